/** Why steps do not run, for each thing that a step waits for; and what taking a task back would do. */
import {
  compensationPreview,
  durationMs,
  explainTask,
  type Offering,
  type StepSpec,
  type Surroundings,
  taskIdFrom,
  trustedJson,
} from '@tasker/core'
import { describe, expect, test } from 'vitest'
import {
  at,
  cancel,
  choose,
  complete,
  expression,
  fail,
  failure,
  keyOf,
  order,
  permanently,
  plan,
  start,
  step,
  submit,
  taskAfter,
  type Order,
} from '../../../support/given.js'

const IDLE: Offering = { workers: 1, slots: 2, busy: 0 }
const ALONE: Surroundings = { unservedSince: () => undefined, offering: () => IDLE, keyLine: () => undefined }

const told = (of: Parameters<typeof taskAfter>[0], history: readonly Order[], around: Surroundings = ALONE) =>
  explainTask(TASK, taskAfter(of, ...history), around).steps.map(({ step: name, reason, waitsFor }) =>
    [name, reason, ...waitsFor].join(' '),
  )

const back = (name: string): Partial<StepSpec> => {
  const { handler, retry } = step(`undo_${name}`)
  return { compensate: { handler, retry, timeoutMs: durationMs(5_000), keys: [] } }
}

const TASK = taskIdFrom(0, new Uint8Array(10))

const diamond = plan(step('a'), step('b'), step('c', { after: ['a', 'b'] }))

describe('a step waits for', () => {
  test('the start time of its task', () => {
    const [first] = explainTask(TASK, taskAfter(diamond, submit({ runAt: at(60_000) })), ALONE).steps
    expect(first).toMatchObject({ reason: 'start_time', unblockedBy: 'Time: 2026-01-01T00:01:00.000Z.' })
  })

  test('a worker, and since when nobody offers its handler', () => {
    expect(told(diamond, [submit(), start('a')])).toEqual(['b worker', 'c dependencies a b'])
    const asked: string[] = []
    const around = { ...ALONE, unservedSince: (handler: string) => (asked.push(handler), at(5_000)) }
    const { steps, status } = explainTask(TASK, taskAfter(diamond, submit(), start('a')), around)
    expect(steps[0]).toMatchObject({
      why: 'It is ready, and no connected worker has offered Handlers.b since 2026-01-01T00:00:05.000Z.',
      unblockedBy: 'A worker with a free slot that offers Handlers.b.',
    })
    expect([asked, status]).toEqual([['Handlers.b'], 'steps_in_process'])
  })

  test('others, and for a person where one of them failed for good', () => {
    const history = [submit(), start('a'), fail('a', permanently)]
    expect(told(diamond, history)).toEqual(['a failed', 'b worker', 'c dependencies a b'])
    const { steps } = explainTask(TASK, taskAfter(diamond, ...history), ALONE)
    expect(steps[0]?.why).toBe('It failed for good: never again')
    expect(steps[2]?.why).toBe('It waits for a, b.')
    expect(steps[2]?.unblockedBy).toContain('a failed for good')
  })

  test('enough of them', () => {
    const joined = plan(step('a'), step('b'), step('c', { after: ['a', 'b'], more: { join: 1 } }))
    const { steps } = explainTask(TASK, taskAfter(joined, submit(), start('a'), start('b')), ALONE)
    expect(steps[0]?.why).toBe('It waits until 1 of its dependencies are satisfied; not satisfied are a, b.')
  })

  test('the time of its next attempt', () => {
    expect(told(plan(step('a')), [submit(), start('a'), fail('a', failure())])).toEqual(['a retry_time'])
  })

  test('the resume of its task', () => {
    const { steps, status } = explainTask(
      TASK,
      taskAfter(plan(step('a')), submit(), order('pause', { reason: 'release' })),
      ALONE,
    )
    expect(status).toBe('paused')
    expect(steps).toMatchObject([{ reason: 'paused', why: 'The task is paused since 2026-01-01T00:00:00.000Z: release' }])
  })

  test('a place of a key, behind others', () => {
    const keyed = plan(step('a', { keys: [keyOf('concurrency', 'eu', 2)] }))
    const around: Surroundings = { ...ALONE, keyLine: () => ({ held: 2, ahead: 3, holders: [] }) }
    expect(explainTask(TASK, taskAfter(keyed, submit()), around).steps).toMatchObject([
      { reason: 'key', why: 'It waits for a place of the concurrency key eu, which has 2; 2 are taken, and 3 go before it.' },
    ])
    expect(explainTask(TASK, taskAfter(keyed, submit()), ALONE).steps[0]?.why).toContain('which has 2.')
  })

  test('a decision', () => {
    const branched = plan(step('d', { type: 'decision' }), step('x', { after: ['d'] }))
    expect(told(branched, [submit()])).toEqual(['d worker', 'x decision d'])
  })

  test('room in its batch', () => {
    const batch = plan(
      step('split', { type: 'batchable' }),
      step('part', { after: ['split'], type: 'batch_worker', batch: { parallelism: 1 } }),
    )
    const range = { start: trustedJson('0'), end: trustedJson('1'), size: 1 }
    const ranges = ['001', '002'].map((id) => ({ ...range, id }))
    const history = [submit(), start('split'), choose('split', { type: 'create_batches', ranges })]
    expect(told(batch, history)).toEqual(['part_001 worker', 'part_002 batch_room part_001'])
  })

  test('nothing where its condition is false', () => {
    const unwanted = plan(step('a', { more: { when: expression('false') } }), step('b', { after: ['a'] }))
    expect(told(unwanted, [submit()])).toEqual(['a condition', 'b worker'])
    expect(told(unwanted, [submit(), start('b'), complete('b')])).toEqual(['a condition'])
  })
})

test('of what failed and holds nobody up, and of a task that is over, there is nothing to say', () => {
  const careless = plan(step('a', { more: { onFailure: 'continue' } }), step('b'))
  expect(told(careless, [submit(), start('a'), fail('a', permanently), start('b')])).toEqual([])
  expect(told(diamond, [submit(), start('a'), fail('a', permanently), cancel()])).toEqual([])
})

describe('taking back', () => {
  const trip = plan(
    step('reserve', { more: back('reserve') }),
    step('pack', { after: ['reserve'] }),
    step('charge', { after: ['pack'], more: back('charge') }),
    step('ship', { after: ['charge'], more: { onFailure: 'compensate' } }),
  )
  const done = (name: string): readonly Order[] => [start(name), complete(name)]
  const worked = [submit(), ...done('reserve'), ...done('pack'), ...done('charge'), start('ship')]
  const undoing = [...worked, fail('ship', permanently), start('charge', { attempt: 2 })]

  test('a step is taken back after what built on it; what failed before is not tried again', () => {
    expect(told(trip, undoing)).toEqual(['reserve compensation charge', 'ship failed'])
    expect(explainTask(TASK, taskAfter(trip, ...undoing), ALONE).steps[1]?.unblockedBy).toBe(
      'Nothing: the work of the task is taken back.',
    )
    const stuck = explainTask(TASK, taskAfter(trip, ...undoing, fail('charge', permanently, { attempt: 2 })), ALONE)
    expect(stuck.steps).toMatchObject([
      { step: 'reserve', waitsFor: ['charge'] },
      { step: 'charge', reason: 'failed', why: 'Its way back failed for good: never again' },
      { step: 'ship' },
    ])
  })

  test('is previewed before it happens, and followed while it does', () => {
    const charge = { step: 'charge', handler: 'Handlers.undo_charge', after: [] }
    const reserve = { step: 'reserve', handler: 'Handlers.undo_reserve', after: ['charge'] }
    const seen = (...history: readonly Order[]) => compensationPreview(taskAfter(trip, ...history))
    expect(seen(...worked)).toEqual({
      state: 'not_started',
      steps: [
        { ...charge, state: 'to_do' },
        { ...reserve, state: 'to_do' },
      ],
      withoutWayBack: ['pack'],
    })
    expect(seen(...undoing)).toMatchObject({ state: 'running', steps: [{ state: 'open' }, { state: 'to_do' }] })
    const stuck = [...undoing, fail('charge', permanently, { attempt: 2 })]
    expect(seen(...stuck)).toMatchObject({ state: 'failed', steps: [{ state: 'failed' }, { state: 'to_do' }] })
    const over = [
      ...undoing,
      complete('charge', '{}', { attempt: 2 }),
      start('reserve', { attempt: 2 }),
      complete('reserve', '{}', { attempt: 2 }),
    ]
    expect(seen(...over)).toMatchObject({ state: 'done', steps: [{ state: 'done' }, { state: 'done' }] })
    expect(seen(submit())).toEqual({ state: 'not_started', steps: [], withoutWayBack: [] })
  })
})
