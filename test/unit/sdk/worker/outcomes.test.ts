// What handlers of each kind return, and what the server is told.
import {
  defineBatchAnalyzer,
  defineBatchWorker,
  defineDecision,
  defineStep,
  ERROR_TYPES,
  failure,
  StepHandler,
  success,
  type BatchAnalyzerContext,
  type BatchWorkerContext,
  type DecisionContext,
  type StepContext,
} from '@tasker/sdk'
import { expect, test } from 'vitest'
import { command, failureOf, outputOf, payload, resultsOf } from '../scripted-server.js'
import { turn } from '../virtual-clock.js'
import { startWorker } from './started-worker.js'

/** The outcomes of these commands, in their order. */
const outcomesOf = async (
  handlers: NonNullable<Parameters<typeof startWorker>[0]['handlers']>,
  commands: ReturnType<typeof command>[],
) => {
  const { server } = await startWorker({ handlers })
  server.worker().send({ commands })
  await turn()
  return resultsOf(server.worker())
}

const valueOf = (part: { data: Buffer } | undefined): unknown => JSON.parse(part?.data.toString() ?? 'null')

test('a decision tells the steps it chose, and its result beside them', async () => {
  class Route extends StepHandler<DecisionContext> {
    readonly callable = 'Route.Class'
    call({ route, input }: StepContext & DecisionContext) {
      return route('manual').withResult({ amount: input['amount'] ?? null })
    }
  }
  const plain = defineDecision('Route.Plain', async ({ route }) => route('auto', 'audit'))
  const [one, other] = await outcomesOf(
    [plain, new Route()],
    [command('Route.Plain'), command('Route.Class', { input: payload({ amount: 7 }) })],
  )
  const [first, second] = [other, one].map((result) => {
    if (result?.outcome?.$case !== 'decision') throw new Error('no decision')
    return { choice: result.outcome.value.choice, output: valueOf(result.outcome.value.output) }
  })
  expect(first).toEqual({
    choice: { $case: 'createSteps', value: { names: ['auto', 'audit'] } },
    output: { steps: ['auto', 'audit'] },
  })
  expect(second).toEqual({ choice: { $case: 'createSteps', value: { names: ['manual'] } }, output: { amount: 7 } })
})

test('a decision that skips, or routes to nothing, creates no branch and says why', async () => {
  const results = await outcomesOf(
    [defineDecision('Skip', ({ skip }) => skip('too small')), defineDecision('None', ({ route }) => route())],
    [command('Skip'), command('None')],
  )
  expect(
    results.map(({ outcome }) =>
      outcome?.$case === 'decision' ? [outcome.value.choice, valueOf(outcome.value.output)] : outcome,
    ),
  ).toEqual([
    [
      { $case: 'noBranches', value: { reason: 'too small' } },
      { steps: [], reason: 'too small' },
    ],
    [{ $case: 'noBranches', value: { reason: '' } }, { steps: [] }],
  ])
})

test('an analyzer tells its ranges, and sees what the template allows', async () => {
  const seen: unknown[] = []
  const analyze = defineBatchAnalyzer('Analyze', ({ batches, batchLimits }) => {
    seen.push(batchLimits)
    return batches(
      [
        { start: 0, end: 10, size: 10 },
        { id: 'tail', start: { key: 'k' }, end: null },
      ],
      { totalItems: 12 },
    )
  })
  class None extends StepHandler<BatchAnalyzerContext> {
    readonly callable = 'None'
    call({ noBatches }: StepContext & BatchAnalyzerContext) {
      return noBatches('an empty file').withResult({ file: 'empty.csv' })
    }
  }
  const batchLimits = { workerTemplate: 'work', batchSize: 10, maxWorkers: 0, parallelism: 2, cursorField: '' }
  const [some, none] = await outcomesOf([analyze, new None()], [command('Analyze', { batchLimits }), command('None')])
  expect(seen).toEqual([{ workerTemplate: 'work', batchSize: 10, maxWorkers: undefined, parallelism: 2 }])
  if (some?.outcome?.$case !== 'batches' || some.outcome.value.choice?.$case !== 'createBatches') throw new Error('no batches')
  const { ranges, totalItems } = some.outcome.value.choice.value
  expect(totalItems).toBe(12)
  expect(ranges.map(({ id, start, end, size }) => ({ id, start: valueOf(start), end: valueOf(end), size }))).toEqual([
    { id: '', start: 0, end: 10, size: 10 },
    { id: 'tail', start: { key: 'k' }, end: null, size: 0 },
  ])
  expect(valueOf(some.outcome.value.output)).toEqual({ batches: 2, total_items: 12 })
  expect(none?.outcome).toMatchObject({
    $case: 'batches',
    value: { choice: { $case: 'noBatches', value: { reason: 'an empty file' } }, output: payload({ file: 'empty.csv' }) },
  })
})

test('ranges and counts that cannot be told fail the step for good, with their place', async () => {
  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic
  const results = await outcomesOf(
    [
      // What a program in plain JavaScript may give.
      defineBatchAnalyzer('Cycle', ({ batches }) =>
        batches([
          { start: 0, end: 1 },
          { start: cyclic as never, end: 2 },
        ]),
      ),
      defineBatchAnalyzer('End', ({ batches }) => batches([{ start: 0, end: Number.NaN }])),
      defineBatchAnalyzer('Size', async ({ batches }) => batches([{ start: 0, end: 1, size: 0.5 }])),
      defineBatchAnalyzer('Total', ({ batches }) => batches([], { totalItems: -1 })),
    ],
    ['Cycle', 'End', 'Size', 'Total'].map((name) => command(name)),
  )
  const told = new Map(results.map((result) => [result.ref?.stepId, failureOf(result)]))
  expect([...told].map(([name, { code, retryable }]) => [name, code, retryable]).toSorted()).toEqual([
    ['Cycle', 'RESULT_NOT_SERIALIZABLE', false],
    ['End', 'RESULT_NOT_SERIALIZABLE', false],
    ['Size', 'INVALID_COUNT', false],
    ['Total', 'INVALID_COUNT', false],
  ])
  expect(told.get('Cycle')?.message).toContain('/1/start/self')
  expect(told.get('End')?.message).toContain('/0/end')
})

test('a batch worker sees its range, and the no-op worker that it has none', async () => {
  const seen: unknown[] = []
  const work = defineBatchWorker('Work', ({ batch, cursor, heartbeat }) => {
    heartbeat({ at: batch.index })
    seen.push(batch, cursor)
    return null
  })
  class Worker extends StepHandler<BatchWorkerContext> {
    readonly callable = 'Work.Class'
    call({ batch }: StepContext & BatchWorkerContext) {
      return batch.isNoOp
    }
  }
  const batch = {
    id: '002',
    index: 1,
    start: payload(10),
    end: payload({ last: 'x' }),
    size: 0,
    isNoOp: false,
    workerTemplate: 'work',
    count: 2,
    cursorField: '',
    failureStrategy: 'isolate',
  }
  const checkpoint = { number: 4, cursor: payload(13), itemsProcessed: 3, accumulated: undefined }
  const results = await outcomesOf(
    [work, new Worker()],
    [command('Work', { batch, checkpoint }), command('Work.Class', { batch: { ...batch, isNoOp: true } })],
  )
  expect(seen).toEqual([
    { id: '002', index: 1, start: 10, end: { last: 'x' }, size: undefined, count: 2, workerTemplate: 'work', isNoOp: false },
    { cursor: 13, itemsProcessed: 3, accumulated: null },
  ])
  expect(results.map(outputOf)).toEqual([null, true])
})

test('a result may be wrapped, and a failure returned instead of thrown', async () => {
  class Card extends StepHandler {
    readonly callable = 'Card'
    call() {
      return this.success({ charged: 5 })
    }
    refund() {
      return this.failure('no card', { errorType: ERROR_TYPES.validation, code: 'NO_CARD', retryable: false })
    }
  }
  const results = await outcomesOf(
    [
      defineStep('Plain', () => success([1, 2])),
      defineStep('Later', async () => failure('busy', { retryAfter: '3s' })),
      new Card(),
    ],
    [
      command('Plain'),
      command('Card'),
      command('Later'),
      command('Card', { ref: { taskId: 'T1', stepId: 'refund', attempt: 1 }, method: 'refund' }),
    ],
  )
  const byStep = new Map(results.map((result) => [result.ref?.stepId, result]))
  expect(outputOf(byStep.get('Plain'))).toEqual([1, 2])
  expect(outputOf(byStep.get('Card'))).toEqual({ charged: 5 })
  expect(failureOf(byStep.get('Later'))).toMatchObject({
    message: 'busy',
    errorType: 'handler_error',
    retryable: true,
    retryAfterMs: 3_000,
  })
  expect(failureOf(byStep.get('refund'))).toMatchObject({ errorType: 'validation_error', code: 'NO_CARD', retryable: false })
})

test('a plain value that looks like an outcome is a result', async () => {
  const value = { type: 'failure', failure: { message: 'of the user' } }
  const [result] = await outcomesOf([defineStep('a', () => value)], [command('a')])
  expect(outputOf(result)).toEqual(value)
})

test('metadata goes beside results and failures; what cannot be kept fails a result for good, and a failure says so', async () => {
  const large = { text: 'x'.repeat(64 * 1024) }
  const results = await outcomesOf(
    [
      defineStep('Success', () => success(1, { rows: 3 })),
      defineStep('Failure', () => failure('busy', { metadata: { host: 'x' } })),
      defineStep('Large', () => success(1, large)),
      defineStep('Wrong', () => success(1, { n: Number.NaN })),
      defineStep('LargeFailure', () => failure('busy', { metadata: large })),
    ],
    ['Success', 'Failure', 'Large', 'Wrong', 'LargeFailure'].map((name) => command(name)),
  )
  const [one, two, three, four, five] = results
  expect([valueOf(one?.metadata), valueOf(two?.metadata)]).toEqual([{ rows: 3 }, { host: 'x' }])
  expect(failureOf(three)).toMatchObject({ code: 'RESULT_TOO_LARGE', retryable: false })
  expect(failureOf(four)).toMatchObject({ code: 'RESULT_NOT_SERIALIZABLE', retryable: false })
  expect(failureOf(four).message).toContain('the metadata at /n')
  expect(failureOf(five)).toMatchObject({ retryable: true, message: expect.stringMatching(/^busy \(not kept: /) as string })
  expect(five?.metadata).toBeUndefined()
})

test('metadata counts in the size of a message', async () => {
  const { server } = await startWorker({ handlers: [defineStep('a', () => success(1, { text: 'x'.repeat(60_000) }))] })
  const attempts = Array.from({ length: 100 }, (_, index) => ({ taskId: 'T1', stepId: 'a', attempt: index + 1 }))
  server.worker().send({ commands: attempts.map((each) => command('a', { ref: each })) })
  await turn()
  const sizes = server.worker().received.flatMap(({ results }) => (results.length === 0 ? [] : [results.length]))
  expect(sizes.length).toBe(2)
  expect(sizes[0]).toBeLessThanOrEqual(69)
})
