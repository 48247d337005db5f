// Tasks that run a durable function: Q1 to Q4 of `core/src/task/decide/function.ts`, and what else of a task is another for them.
import {
  dueTimers,
  explainTask,
  factsOf,
  functionTemplate,
  instantText,
  isSuspended,
  LIMITS,
  namespaceOf,
  planOf,
  readyRows,
  taskResult,
  taskStatus,
  templateHash,
  timerRows,
  parseTaskId,
  present,
  trustedJson,
  RUN_STEP,
  type LiveTask,
} from '@tasker/core'
import { describe, expect, test } from 'vitest'
import {
  at,
  cancel,
  complete,
  continueAs,
  diverge,
  effect,
  fail,
  failure,
  functionPlan,
  given,
  graceOver,
  order,
  permanently,
  plan,
  record,
  release,
  retryDue,
  signal,
  sleepUntil,
  start,
  step,
  stop,
  submit,
  suspend,
  taskAfter,
  timeOut,
  timerDue,
} from '../../../support/given.js'

const begun = [submit(), start('run')]
const asleep = [...begun, record([sleepUntil('sleep', 5_000)]), suspend(1)]
const waiting = [...begun, suspend(0)]

const taskOf = (...history: Parameters<typeof taskAfter> extends [unknown, ...infer Rest] ? Rest : never): LiveTask =>
  taskAfter(functionPlan, ...history)
const function_ = (...history: Parameters<typeof taskOf>) => given(functionPlan, ...history)
const factTypes = (task: LiveTask): readonly string[] => factsOf(present(task.journal, 'a journal')).map(({ fact }) => fact.type)

test('a durable function is a task with one step, whose handler has the version in its name', () => {
  const { steps } = functionTemplate({
    namespace: namespaceOf('shop'),
    name: 'renewal',
    version: '2.1.0',
    inputSchema: { type: 'object' },
  })
  expect(steps.map(({ name, handler }) => [name, handler.callable])).toEqual([['run', 'renewal@2.1.0/run']])
  expect(taskOf(submit()).journal).toMatchObject({ input: '{"order":1}', length: 0 })
  expect(taskAfter(plan(step('a')), submit()).journal).toBeUndefined()
})

test('the worker that holds the run hands in what is recorded, and nobody else does (Q1)', () => {
  function_(...begun)
    .when(record([effect('invoice')]))
    .then(effect('invoice'))
  function_(...begun)
    .when(record([effect('invoice')], { worker: 'w2' }))
    .thenRefused('LEASE_LOST')
  function_(...begun)
    .when(record([effect('invoice')], { attempt: 2 }))
    .thenRefused('LEASE_LOST')
  function_(...asleep)
    .when(record([effect('invoice')]))
    .thenRefused('LEASE_LOST')
  function_(...asleep)
    .when(suspend(1))
    .thenRefused('LEASE_LOST')
  function_(...begun)
    .when(diverge({ worker: 'w2' }))
    .thenRefused('LEASE_LOST')
  function_(...begun)
    .when(continueAs('{}', [], { worker: 'w2' }))
    .thenRefused('LEASE_LOST')
})

test('a run that was lost leaves nothing in the journal any more (Q1)', () => {
  const lost = [
    ...begun,
    fail('run', failure('gone', { code: 'WORKER_LOST' })),
    retryDue('run'),
    start('run', { attempt: 2, worker: 'w2' }),
  ]
  function_(...lost)
    .when(record([effect('invoice', '"late"')]))
    .thenRefused('LEASE_LOST')
  function_(...lost)
    .when(record([effect('invoice', '"mine"')], { attempt: 2, worker: 'w2' }))
    .then(effect('invoice', '"mine"'))
})

test('an effect is recorded once, whichever run hands it in', () => {
  function_(...begun, record([effect('invoice')]))
    .when(record([effect('invoice', '2')]))
    .thenNothingNew()
})

test('what is handed in renews the time of the run', () => {
  const late = LIMITS.functionQuietMs - 1
  const task = taskOf(...begun, record([effect('invoice')], { at: late }))
  expect(task.steps[0]).toMatchObject({ deadlineAt: at(late + LIMITS.functionQuietMs) })
  function_(...begun, record([effect('invoice')], { at: late }))
    .when(timeOut('run', { at: LIMITS.functionQuietMs }))
    .thenRefused('NOT_DUE')
})

test('a function that waits holds no worker, and no attempt is spent', () => {
  const task = taskOf(...asleep)
  expect(isSuspended(task)).toBe(true)
  expect(task.steps[0]).toMatchObject({ status: 'pending', attempts: 1, attemptsSinceReset: 0 })
  expect(taskStatus(task)).toBe('sleeping')
  expect(taskStatus(taskOf(...waiting))).toBe('waiting_for_signal')
  expect(taskStatus(taskOf(...begun, record([sleepUntil('note', 5_000, 'signal')]), suspend(1)))).toBe('waiting_for_signal')
})

test('a run that has not seen all of its journal is not suspended (Q2)', () => {
  function_(...begun, signal('cancel'))
    .when(suspend(0))
    .thenRefused('JOURNAL_HAS_NEWS')
  function_(...begun, signal('cancel'))
    .when(suspend(1))
    .then({ type: 'step.suspended', step: RUN_STEP, attempt: 1 })
})

test('a timer that is due wakes the function in the same commit (Q2), and only then', () => {
  function_(...asleep)
    .when(timerDue('sleep', 5_000))
    .thenTold('timer.fired', 'step.scheduled run')
  function_(...asleep)
    .when(timerDue('sleep', 4_999))
    .thenRefused('NOT_DUE')
  function_(...asleep, timerDue('sleep', 5_000))
    .when(timerDue('sleep', 5_000))
    .thenRefused('TIMER_NOT_OPEN')
  function_(...begun, record([sleepUntil('sleep', 5_000)]))
    .when(timerDue('sleep', 5_000))
    .thenTold('timer.fired')
})

test('a signal wakes the function, and is kept for one that runs or has not begun', () => {
  function_(...waiting)
    .when(signal('cancel', '{"why":1}'))
    .thenTold('signal.received', 'step.scheduled run')
  function_(...waiting, signal('cancel'))
    .when(signal('cancel'))
    .thenTold('signal.received')
  function_(...begun)
    .when(signal('cancel'))
    .thenTold('signal.received')
  function_(submit()).when(signal('cancel')).thenTold('signal.received')
  function_(submit({ runAt: at(9_000) }))
    .when(signal('cancel'))
    .thenTold('signal.received')
})

test('a woken function runs with the next number', () => {
  const woken = taskOf(...asleep, timerDue('sleep', 5_000), start('run', { attempt: 2, worker: 'w2' }))
  expect(woken.steps[0]).toMatchObject({ status: 'in_progress', attempts: 2, attemptsSinceReset: 1, worker: 'w2' })
  expect(factTypes(woken)).toEqual(['timer.started', 'timer.fired'])
})

test('a function that is done is the result of its task', () => {
  const done = taskOf(...begun, complete('run', '{"shipped":true}'))
  expect(done.phase).toBe('completed')
  expect(taskResult(done)).toBe('{"shipped":true}')
  function_(...begun, complete('run'))
    .when(signal('cancel'))
    .thenRefused('TASK_FINISHED')
})

test('a function that fails fails its task, with its code', () => {
  function_(...begun)
    .when(fail('run', { ...permanently, code: 'SOLD_OUT' }))
    .thenEvents((events) => expect(events.at(-1)).toEqual({ type: 'task.failed', code: 'SOLD_OUT', message: 'never again' }))
  function_(...begun)
    .when(fail('run', permanently))
    .thenEvents((events) => expect(events.at(-1)).toMatchObject({ type: 'task.failed', code: 'FUNCTION_FAILED' }))
})

test('a worker that is lost is no failure of the function', () => {
  function_(...begun)
    .when(fail('run', failure('gone', { code: 'WORKER_LOST' })))
    .thenTold('step.failed run', 'step.retry_scheduled run')
})

test('a function that is cancelled hears it and cleans up, for as long as that takes', () => {
  function_(...begun)
    .when(cancel('left'))
    .thenTold('task.cancel_requested')
  function_(...asleep)
    .when(cancel('left'))
    .thenTold('task.cancel_requested', 'step.scheduled run')
  const cleaning = [...asleep, cancel('left'), start('run', { attempt: 2 })]
  expect(factsOf(present(taskOf(...cleaning).journal, 'a journal')).at(-1)?.fact).toEqual({
    type: 'task.cancel_requested',
    reason: 'left',
  })
  function_(...cleaning)
    .when(graceOver(60_000))
    .thenRefused('NOT_DUE')
  function_(...cleaning)
    .when(record([effect('cleanup/note')], { attempt: 2 }))
    .then(effect('cleanup/note'))
  function_(...cleaning, record([sleepUntil('cleanup/sleep', 9_000)], { attempt: 2 }), suspend(3, { attempt: 2 }))
    .when(timerDue('cleanup/sleep', 9_000))
    .thenTold('timer.fired', 'step.scheduled run')
  function_(...cleaning)
    .when(stop('run', { attempt: 2 }))
    .thenTold('step.cancelled run', 'task.cancelled')
  function_(...cleaning)
    .when(complete('run', '{}', { attempt: 2 }))
    .thenTold('step.completed run', 'task.cancelled')
  function_(...cleaning)
    .when(fail('run', permanently, { attempt: 2 }))
    .thenTold('step.failed run', 'task.cancelled')
  function_(...cleaning)
    .when(continueAs('{}', [], { attempt: 2 }))
    .thenTold('step.cancelled run', 'task.cancelled')
})

test('a function that cleans up is run again when its worker is lost, or its start never left', () => {
  const cleaning = [...begun, cancel()]
  function_(...cleaning)
    .when(fail('run', failure('gone', { code: 'WORKER_LOST' })))
    .thenTold('step.failed run', 'step.retry_scheduled run')
  function_(...cleaning)
    .when(release('run'))
    .thenTold('step.released run', 'step.scheduled run')
  const again = taskOf(...cleaning, fail('run', failure()), retryDue('run'), start('run', { attempt: 2 }))
  expect(again.steps[0]?.status).toBe('in_progress')
})

test('a function that never ran is cancelled at once', () => {
  function_(submit()).when(cancel()).thenTold('task.cancel_requested', 'step.cancelled run', 'task.cancelled')
})

test('a paused function cleans up when it is cancelled', () => {
  const task = taskOf(...asleep, order('pause'), cancel(), start('run', { attempt: 2 }))
  expect(task.steps[0]?.status).toBe('in_progress')
})

test('the cancellation of a function ends its pause: whether it was woken before or is woken by it, it waits for a worker', () => {
  const readyOf = (task: LiveTask): readonly string[] =>
    readyRows(present(parseTaskId('01ARZ3NDEKTSV4RRFFQ69G5FAV'), 'a task'), task).map(({ step: ready }) => ready)
  expect(readyOf(taskOf(...asleep, order('pause'), signal('cancel')))).toEqual([])
  expect(readyOf(taskOf(...asleep, order('pause'), signal('cancel'), cancel()))).toEqual(['run'])
  expect(readyOf(taskOf(...asleep, order('pause'), cancel()))).toEqual(['run'])
})

test('a function that diverged waits for a person, though timers fire and signals come (Q4)', () => {
  const diverged = [...begun, record([sleepUntil('sleep', 5_000)]), diverge()]
  expect(taskStatus(taskOf(...diverged))).toBe('diverged')
  function_(...diverged)
    .when(timerDue('sleep', 5_000))
    .thenTold('timer.fired')
  function_(...diverged)
    .when(signal('cancel'))
    .thenTold('signal.received')
  function_(...diverged)
    .when(order('retry'))
    .thenTold('task.retried', 'step.scheduled run')
  const again = taskOf(...diverged, order('retry'), start('run', { attempt: 2 }))
  expect(again.journal?.diverged).toBeUndefined()
  function_(...diverged, order('retry'))
    .when(order('retry'))
    .thenRefused('NOTHING_TO_RETRY')
})

test('a function that diverged while it cleaned up ends, and one that diverged before is cancelled at once (Q4)', () => {
  function_(...begun, cancel())
    .when(diverge())
    .thenTold('function.diverged', 'step.suspended run', 'step.cancelled run', 'task.cancelled')
  function_(...begun, diverge())
    .when(cancel())
    .thenTold('task.cancel_requested', 'step.cancelled run', 'task.cancelled')
})

test('a function that continues goes on in the same run', () => {
  const continued = taskOf(...begun, record([effect('a')]), signal('note'), continueAs('{"page":2}', [1]))
  expect(continued.steps[0]?.status).toBe('in_progress')
  expect(continued.journal).toMatchObject({ input: '{"page":2}', length: 1 })
})

describe('what a run does when something is recorded', () => {
  const then = { type: 'suspend', seen: 0 } as const
  const diverges = { type: 'diverge', expected: 'the step a', actual: 'the step b', line: '' } as const
  const continues = { type: 'continue', input: trustedJson('{"page":2}'), seen: 1, unread: [] } as const

  test('it is suspended with it, in one decision (Q3)', () => {
    function_(...begun)
      .when(record([effect('a')], { then }))
      .thenTold('effect.recorded', 'step.suspended run')
    function_(...begun)
      .when(record([], { then }))
      .thenTold('step.suspended run')
  })

  test('it goes on with what is recorded, where it had not seen all that was there before', () => {
    function_(...begun, signal('note'))
      .when(record([effect('a')], { then }))
      .thenTold('effect.recorded')
    function_(...begun, signal('note'))
      .when(record([], { then }))
      .thenTold()
    function_(...begun, signal('note'))
      .when(record([effect('a')], { then: { type: 'suspend', seen: 1 } }))
      .thenTold('effect.recorded', 'step.suspended run')
  })

  test('it diverges or continues with it, and what is refused of the one is nothing of the other', () => {
    function_(...begun)
      .when(record([effect('a')], { then: diverges }))
      .thenTold('effect.recorded', 'function.diverged', 'step.suspended run')
    function_(...begun)
      .when(record([effect('a')], { then: continues }))
      .thenTold('effect.recorded', 'function.continued')
    function_(...begun)
      .when(record([effect('a')], { then: { ...continues, unread: [7] } }))
      .thenRefused('UNKNOWN_SIGNAL')
    function_(...begun)
      .when(record([effect('a')], { then, attempt: 2 }))
      .thenRefused('LEASE_LOST')
  })

  test('its lives are counted, and a new one begins its time anew', () => {
    const late = LIMITS.functionQuietMs - 1
    const again = taskOf(...begun, record([], { then: continues, at: late }), continueAs('{}', [], { at: late }))
    expect(taskOf(...begun).journal?.life).toBe(1)
    expect(again.journal?.life).toBe(3)
    expect(again.steps[0]).toMatchObject({ deadlineAt: at(late + LIMITS.functionQuietMs) })
  })
})

test('one wake-up stands for all timers of a function, whether it runs, sleeps, cleans up or has diverged', () => {
  const id = present(parseTaskId('01ARZ3NDEKTSV4RRFFQ69G5FAV'), 'an id')
  const dueAt = (...history: Parameters<typeof taskOf>) =>
    timerRows(id, taskOf(...history)).flatMap((row) => (row.kind === 'function' ? [row.dueAt] : []))
  const sleeps = [...begun, record([sleepUntil('late', 9_000), sleepUntil('soon', 5_000, 'signal')])]
  expect(dueAt(...begun)).toEqual([])
  expect(dueAt(...sleeps)).toEqual([at(5_000)])
  expect(dueAt(...sleeps, suspend(2))).toEqual([at(5_000)])
  expect(dueAt(...sleeps, timerDue('soon', 5_000))).toEqual([at(9_000)])
  expect(dueAt(...sleeps, cancel())).toEqual([at(5_000)])
  expect(dueAt(...sleeps, diverge())).toEqual([at(5_000)])
  expect(dueAt(...sleeps, record([{ type: 'cancel', key: 'soon' }]))).toEqual([at(9_000)])
  expect(dueAt(...sleeps, continueAs('{}'))).toEqual([])
  const { journal } = taskOf(...sleeps)
  expect(journal && dueTimers(journal, at(9_000))).toEqual(['soon', 'late'])
  expect(journal && dueTimers(journal, at(8_999))).toEqual(['soon'])
})

test('what is for functions is refused by other tasks', () => {
  const other = given(plan(step('a')), submit(), start('a'))
  for (const command of [signal('x'), timerDue('x', 1), record([]), suspend(0), diverge(), continueAs('{}')]) {
    other.when(command).thenRefused('NO_FUNCTION')
  }
})

test('a function that waits is not stale, however long', () => {
  const id = present(parseTaskId('01ARZ3NDEKTSV4RRFFQ69G5FAV'), 'an id')
  const lifecycle = { ...functionPlan.template.lifecycle, thresholdsMs: { duration: LIMITS.functionRetryMsMin } }
  const watched = planOf({ ...functionPlan.template, lifecycle }, templateHash('e'.repeat(64)))
  const kinds = (task: LiveTask): readonly string[] => timerRows(id, task).map(({ kind }) => kind)
  expect(kinds(taskAfter(watched, submit()))).toContain('staleness')
  expect(kinds(taskAfter(watched, ...asleep))).not.toContain('staleness')
})

test('a cancelled function has no grace that could end it', () => {
  const id = present(parseTaskId('01ARZ3NDEKTSV4RRFFQ69G5FAV'), 'an id')
  const kinds = (task: LiveTask): readonly string[] => timerRows(id, task).map(({ kind }) => kind)
  expect(kinds(taskOf(...asleep, cancel()))).not.toContain('cancel_grace')
})

test('explain says what a function waits for', () => {
  const around = { unservedSince: () => undefined, offering: () => ({ workers: 0, slots: 0, busy: 0 }), keyLine: () => undefined }
  const id = present(parseTaskId('01ARZ3NDEKTSV4RRFFQ69G5FAV'), 'an id')
  const told = (task: LiveTask) => explainTask(id, task, around).steps[0]
  expect(told(taskOf(...asleep))).toMatchObject({
    reason: 'timer',
    unblockedBy: `Time: a timer is due at ${instantText(at(5_000))}. Or a signal.`,
    until: at(5_000),
  })
  expect(told(taskOf(...waiting))).toMatchObject({ reason: 'signal', unblockedBy: 'A signal.' })
  expect(told(taskOf(...begun, record([sleepUntil('note', 7_000, 'signal')]), suspend(1)))).toMatchObject({
    reason: 'signal',
    unblockedBy: `A signal, or time: its wait ends at ${instantText(at(7_000))}.`,
    until: at(7_000),
  })
  const why = 'Its journal has the step a where its code asked for the step b (renewal.ts:3:7).'
  const diverged = taskOf(...begun, diverge())
  expect(told(diverged)).toMatchObject({ reason: 'divergence', why, until: undefined })
  const commands = [`tasker task retry ${id}`, `tasker task cancel ${id}`]
  expect(explainTask(id, diverged, around).reasons).toMatchObject([{ reason: 'diverged', why, commands }])
  expect(explainTask(id, diverged, undefined).reasons).toMatchObject([{ reason: 'diverged', why, commands: [] }])
})

describe('workers that are lost', () => {
  const lost = failure('gone', { code: 'WORKER_LOST' })
  /** Attempts that end with their worker, from a number on. */
  const losses = (from: number, count: number) =>
    Array.from({ length: count }, (_, n) => from + n).flatMap((attempt) => [
      start('run', { attempt }),
      fail('run', lost, { attempt }),
      retryDue('run', { attempt: attempt + 1, at: LIMITS.functionRetryMsMax * 2 }),
    ])
  const most = LIMITS.retryAttemptsMax - 1

  test('end a function that comes no further with any of them', () => {
    const history = [submit(), ...losses(1, most), start('run', { attempt: most + 1 })]
    function_(...history)
      .when(fail('run', lost, { attempt: most + 1 }))
      .thenTold('step.failed run', 'task.failed')
  })

  test('are forgotten when the function records something, and only then', () => {
    const history = [submit(), ...losses(1, most), start('run', { attempt: most + 1 })]
    const further = [...history, record([effect('a')], { attempt: most + 1 })]
    function_(...further)
      .when(fail('run', lost, { attempt: most + 1 }))
      .thenTold('step.failed run', 'step.retry_scheduled run')
    expect(taskOf(...further).steps[0]).toMatchObject({ attempts: most + 1, attemptsSinceReset: 1 })
    function_(...history, signal('go'))
      .when(fail('run', lost, { attempt: most + 1 }))
      .thenTold('step.failed run', 'task.failed')
  })
})
