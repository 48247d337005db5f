/** Decisions, batches and checkpoints with handlers of the SDK, on a real database: what is seen over REST and gRPC, and what the log holds. */
import { defineBatchAnalyzer, defineBatchWorker, defineDecision, defineStep, PermanentError, RetryableError } from '@tasker/sdk'
import { newConnection } from '@tasker/server/internal/database'
import { GRAPH, OUTCOME, STEP, STEP_LIST, TASK, TASK_SUMMARY } from '@tasker/server/internal/rest/schema/task'
import type { GetResponse } from '@tasker/proto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerOf, type Ground, openGround } from '../templates/ground.js'

const ORDER = `
name: order
namespace_name: shop
version: 1.0.0
steps:
  - name: check
    handler: { callable: Shop.Check }
  - name: route
    type: decision
    dependencies: [check]
    handler: { callable: Shop.Route }
  - name: fast
    dependencies: [route]
    handler: { callable: Shop.Work }
  - name: careful
    dependencies: [route]
    handler: { callable: Shop.Work }
  - name: second_look
    type: decision
    dependencies: [careful]
    handler: { callable: Shop.SecondLook }
  - name: sign
    dependencies: [second_look]
    handler: { callable: Shop.Work }
  - name: done
    type: deferred_convergence
    dependencies: [fast, careful, sign]
    handler: { callable: Shop.Done }
`

const imported = (name: string, strategy: string, parallelism = 4) => `
name: ${name}
namespace_name: shop
version: 1.0.0
steps:
  - name: split
    type: batchable
    handler: { callable: Shop.Split, initialization: { batch_size: 10, max_workers: 1000, worker_template_name: part } }
  - name: part
    type: batch_worker
    dependencies: [split]
    handler: { callable: Shop.Part }
    retry: { max_attempts: 2, backoff: none }
    batch_config: { batch_size: 10, parallelism: ${parallelism}, cursor_field: row, failure_strategy: ${strategy} }
  - name: sum
    type: deferred_convergence
    dependencies: [part]
    handler: { callable: Shop.Sum }
`

const TEMPLATES = [
  ORDER,
  imported('import', 'continue_on_failure'),
  imported('import_isolate', 'isolate'),
  imported('import_fast', 'fail_fast', 2),
  imported('import_wide', 'isolate', 50),
]

const resumed: unknown[] = []

const HANDLERS = [
  defineStep('Shop.Check', ({ input }) => input['total'] ?? 0),
  defineDecision('Shop.Route', ({ getDependencyResult, route, skip }) => {
    const total = Number(getDependencyResult('check'))
    if (total < 0) return skip('nothing to sell')
    if (total === 0) return route('nobody')
    return total < 100 ? route('fast') : route('careful')
  }),
  defineDecision('Shop.SecondLook', ({ input, route, skip }) => (input['total'] === 500 ? skip() : route('sign'))),
  defineStep('Shop.Work', ({ stepId }) => stepId),
  defineStep('Shop.Done', ({ deps }) => Object.keys(deps).toSorted()),
  defineBatchAnalyzer('Shop.Split', ({ input, batches, noBatches, batchLimits }) => {
    const items = Number(input['items'])
    const size = batchLimits.batchSize ?? 1
    if (items === 0) return noBatches('nothing came')
    const ranges = Array.from({ length: Math.ceil(items / size) }, (_, n) => ({
      start: n * size,
      end: Math.min(items, (n + 1) * size),
      size: Math.min(size, items - n * size),
    }))
    return batches(ranges, { totalItems: items })
  }),
  defineBatchWorker('Shop.Part', async ({ input, batch, cursor, checkpoint, attempt }) => {
    if (batch.isNoOp) return 0
    if (input['bad'] === batch.id) throw new PermanentError('this part is broken')
    if (input['slow'] !== batch.id) return batch.size ?? 0
    if (attempt === 1) {
      await checkpoint({ cursor: 5, itemsProcessed: 5, accumulated: { sum: 10 } })
      throw new RetryableError('the connection broke')
    }
    resumed.push(cursor)
    return cursor?.itemsProcessed ?? 0
  }),
  defineStep('Shop.Sum', ({ getAllDependencyResults }) =>
    getAllDependencyResults('part_').reduce<number>((sum, value) => sum + Number(value), 0),
  ),
]

let ground: Ground

beforeAll(async () => {
  ground = await openGround()
  for (const template of TEMPLATES) expect(await ground.rest('/v1/templates', template)).toMatchObject({ status: 201 })
  ground.work(HANDLERS)
})
afterAll(() => ground.close())

const submit = async (name: string, context: object): Promise<string> => {
  const { body } = await ground.rest('/v1/tasks', { namespace: 'shop', name, context })
  return TASK.parse(body).task_id
}
const read = async (path: string) => (await ground.rest(path)).body
const outcomeOf = async (taskId: string) => OUTCOME.parse(await read(`/v1/tasks/${taskId}/result?wait_seconds=30`))
const graphOf = async (taskId: string) => {
  const { nodes, edges } = GRAPH.parse(await read(`/v1/tasks/${taskId}/graph`))
  return { statuses: Object.fromEntries(nodes.map(({ id, status }) => [id, status])), edges }
}
const stepsOf = async (taskId: string) => {
  const { steps } = STEP_LIST.parse(await read(`/v1/tasks/${taskId}/workflow_steps?limit=500`))
  return Object.fromEntries(steps.map(({ step_id, status }) => [step_id, status]))
}
const finished = async (name: string, context: object) => {
  const taskId = await submit(name, context)
  return { taskId, outcome: await outcomeOf(taskId) }
}

test('a decision runs one branch; the other is seen as not taken in graph and summary, and is no step of the task', async () => {
  const { taskId, outcome } = await finished('order', { total: 20 })
  expect(outcome).toMatchObject({ status: 'complete', result: { done: ['check', 'fast', 'route'] } })
  expect(await stepsOf(taskId)).toEqual({ check: 'complete', route: 'complete', fast: 'complete', done: 'complete' })
  const { statuses } = await graphOf(taskId)
  expect(statuses).toMatchObject({ careful: 'not_taken', second_look: 'not_taken', sign: 'not_taken', fast: 'complete' })
  const summary = TASK_SUMMARY.parse(await read(`/v1/tasks/${taskId}/summary`))
  expect([summary.not_taken, summary.step_counts['not_taken'], summary.steps.length]).toEqual([
    ['careful', 'second_look', 'sign'],
    3,
    4,
  ])
  expect(await ground.rest(`/v1/tasks/${taskId}/workflow_steps/careful`)).toMatchObject({
    status: 404,
    body: { reason: 'UNKNOWN_STEP' },
  })
  const mermaid = await fetchText(`/v1/tasks/${taskId}/graph?format=mermaid`)
  expect(mermaid).toContain('careful<br/>not_taken')
  const { task } = await answerOf<GetResponse>((callback) => ground.clients.tasks.get({ taskId }, callback))
  expect(task?.steps.map(({ stepId, type }) => [stepId, type])).toEqual([
    ['check', 'standard'],
    ['route', 'decision'],
    ['fast', 'standard'],
    ['done', 'deferred_convergence'],
  ])
  expect(task?.notTaken).toEqual(['careful', 'second_look', 'sign'])
})

const fetchText = async (path: string): Promise<string> => (await fetch(ground.restUrl + path)).text()

test('a decision behind a decision decides about its own branches, and convergence waits for what came', async () => {
  expect((await finished('order', { total: 300 })).outcome.result).toEqual({
    done: ['careful', 'check', 'route', 'second_look', 'sign'],
  })
  expect((await finished('order', { total: 500 })).outcome.result).toEqual({
    second_look: { steps: [] },
    done: ['careful', 'check', 'route', 'second_look'],
  })
})

test('a decision for no branch completes the task with its own result; one that names nobody blocks it', async () => {
  const skipped = await finished('order', { total: -1 })
  expect([skipped.outcome.status, Object.keys(skipped.outcome.result ?? {})]).toEqual(['complete', ['route']])
  const { outcome } = await finished('order', { total: 0 })
  expect(outcome).toMatchObject({
    status: 'blocked_by_failures',
    blocked_steps: [{ step_id: 'route', failure: { code: 'BAD_DECISION', retryable: false } }],
  })
})

test('the log holds what a decision or an analyzer opened in one commit with its end', async () => {
  const order = await finished('order', { total: 20 })
  const batch = await finished('import', { items: 25 })
  const client = newConnection({ url: ground.databaseUrl, applicationName: 'test' })
  await client.connect()
  try {
    for (const taskId of [order.taskId, batch.taskId]) {
      const { rows } = await client.query<{ types: readonly string[] }>(
        "SELECT types FROM event_commit WHERE stream_id = $1 AND 'steps.created' = ANY (types) ORDER BY first_version",
        [taskId],
      )
      expect(rows).toHaveLength(2)
      expect(rows[1]?.types.slice(0, 2)).toEqual(['step.completed', 'steps.created'])
    }
  } finally {
    await client.end()
  }
})

test('a batch has a worker a range and its sum; where there is nothing to do one worker hears so', async () => {
  const full = await finished('import', { items: 95 })
  expect(full.outcome).toMatchObject({ status: 'complete', result: { sum: 95 } })
  expect(Object.keys(await stepsOf(full.taskId))).toEqual(['split', 'sum', ...numbered(1, 10)])
  const third = STEP.parse(await read(`/v1/tasks/${full.taskId}/workflow_steps/part_003`))
  expect(third.batch).toEqual({ id: '003', start: 20, end: 30, size: 10, is_no_op: false })
  const { statuses, edges } = await graphOf(full.taskId)
  expect([statuses['part'], edges.filter(({ to }) => to === 'sum').length]).toEqual([undefined, 10])
  const empty = await finished('import', { items: 0 })
  expect(empty.outcome).toMatchObject({ status: 'complete', result: { sum: 0 } })
  expect(Object.keys(await stepsOf(empty.taskId))).toEqual(['split', 'sum', 'part_000'])
})

const numbered = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from + 1 }, (_, n) => `part_${String(from + n).padStart(3, '0')}`)

test('a worker that failed for good: the batch goes on without it, waits for it, or ends with it', async () => {
  const goesOn = await finished('import', { items: 40, bad: '002' })
  expect(goesOn.outcome).toMatchObject({ status: 'complete', result: { sum: 30 } })
  expect(await stepsOf(goesOn.taskId)).toMatchObject({ part_002: 'error', sum: 'complete' })
  const isolated = await finished('import_isolate', { items: 40, bad: '002' })
  expect(isolated.outcome.status).toBe('blocked_by_failures')
  expect(await stepsOf(isolated.taskId)).toMatchObject({
    part_001: 'complete',
    part_002: 'error',
    part_004: 'complete',
    sum: 'pending',
  })
  const failed = await finished('import_fast', { items: 90, bad: '001' })
  expect(failed.outcome.status).toBe('blocked_by_failures')
  expect(await stepsOf(failed.taskId)).toMatchObject({ part_001: 'error', part_009: 'cancelled', sum: 'pending' })
})

test('a checkpoint outlives the failure of its attempt, and is seen while the step is not complete', async () => {
  const { taskId, outcome } = await finished('import', { items: 20, slow: '002' })
  expect(outcome).toMatchObject({ status: 'complete', result: { sum: 15 } })
  expect(resumed).toEqual([{ cursor: 5, itemsProcessed: 5, accumulated: { sum: 10 } }])
  const events = (await read(`/v1/tasks/${taskId}/events?limit=500`)) as {
    readonly events: readonly { type: string; data: unknown }[]
  }
  expect(events.events.filter(({ type }) => type === 'step.checkpointed').map(({ data }) => data)).toEqual([
    { step_id: 'part_002', attempt: 1, number: 1, items_processed: 5, cursor: 5, accumulated: { sum: 10 } },
  ])
})

test('a thousand batches are one task', { timeout: 120_000 }, async () => {
  const { taskId, outcome } = await finished('import_wide', { items: 10_000 })
  const result = outcome.status === 'complete' ? outcome : await outcomeOf(taskId)
  expect(result).toMatchObject({ status: 'complete', result: { sum: 10_000 } })
  expect(TASK_SUMMARY.parse(await read(`/v1/tasks/${taskId}/summary`)).step_counts).toMatchObject({
    complete: 1_002,
    not_taken: 0,
  })
})
