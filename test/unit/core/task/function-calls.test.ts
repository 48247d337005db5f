// Handlers that a durable function calls: Q5 of `core/src/task/decide/function.ts`.
import {
  callStepName,
  durationMs,
  explainTask,
  factsOf,
  graphView,
  isSuspended,
  LIMITS,
  mayBeTimed,
  parseTaskId,
  present,
  readyRows,
  stepId,
  taskResult,
  taskStatus,
  timerRows,
  type LiveTask,
} from '@tasker/core'
import { describe, expect, test } from 'vitest'
import {
  at,
  byHand,
  call,
  callOf,
  cancel,
  complete,
  completeByHand,
  continueAs,
  diverge,
  effect,
  fail,
  failure,
  functionPlan,
  given,
  order,
  permanently,
  record,
  retryDue,
  start,
  stop,
  submit,
  suspend,
  taskAfter,
  timeOut,
} from '../../../support/given.js'

const TASK = present(parseTaskId('01JGZZZZZZ0000000000000000'), 'a task id')
const begun = [submit(), start('run')]
const called = [...begun, record([call('charge', { input: '{"cents": 1.50}' })], { then: { type: 'suspend', seen: 0 } })]
const charged = [...called, start('charge:1', { worker: 'w2' })]

const taskOf = (...history: Parameters<typeof taskAfter> extends [unknown, ...infer Rest] ? Rest : never): LiveTask =>
  taskAfter(functionPlan, ...history)
const function_ = (...history: Parameters<typeof taskOf>) => given(functionPlan, ...history)
const lastFact = (task: LiveTask) => factsOf(present(task.journal, 'a journal')).at(-1)?.fact

test('a call is a step of the task, ready in the commit that records it, and recorded once for its key (Y1)', () => {
  function_(...begun)
    .when(record([effect('a'), call('charge'), call('refund'), effect('b')]))
    .then(
      effect('a'),
      {
        type: 'steps.created',
        segment: 'calls',
        steps: [stepId('charge:1'), stepId('refund:2')],
        calls: [callOf('charge'), callOf('refund')],
      },
      { type: 'step.scheduled', step: stepId('charge:1'), attempt: 1 },
      { type: 'step.scheduled', step: stepId('refund:2'), attempt: 1 },
      effect('b'),
    )
  function_(...called)
    .when(record([call('charge')], { attempt: 1 }))
    .thenRefused('LEASE_LOST')
  function_(...begun, record([call('charge')]))
    .when(record([call('charge')]))
    .thenNothingNew()
  const task = taskOf(...called)
  expect([isSuspended(task), taskStatus(task), task.journal?.operations]).toEqual([true, 'steps_in_process', 1])
  expect(readyRows(TASK, task).map(({ step, handler }) => [step, handler])).toEqual([['charge:1', 'pay/charge']])
  expect(graphView(task.plan, task).nodes.map(({ id, status }) => [id, status])).toEqual([
    ['run', 'pending'],
    ['charge:1', 'enqueued'],
  ])
})

test('the result of a call is a fact of the journal and wakes the function; the result of the task is that of the function alone', () => {
  function_(...charged)
    .when(complete('charge:1', '{"receipt": 7.0}', { worker: 'w2' }))
    .thenTold('step.completed charge:1', 'step.scheduled run')
  const woken = [...charged, complete('charge:1', '{"receipt": 7.0}', { worker: 'w2' }), start('run', { attempt: 2 })]
  expect(lastFact(taskOf(...woken))).toEqual({
    type: 'call.ended',
    key: 'charge',
    outcome: { type: 'succeeded', result: '{"receipt": 7.0}' },
  })
  function_(...woken)
    .when(complete('run', '"done"', { attempt: 2 }))
    .thenTold('step.completed run', 'task.completed')
  expect(taskResult(taskOf(...woken, complete('run', '"done"', { attempt: 2 })))).toBe('"done"')
})

test('a call whose function runs is only told', () => {
  function_(...begun, record([call('charge')]), start('charge:1'))
    .when(complete('charge:1'))
    .thenTold('step.completed charge:1')
})

test('a call is tried again by its policy, and its last failure is the function’s to handle: the task neither fails nor blocks', () => {
  const once = [...begun, record([call('charge', { retry: { maxAttempts: 2 } })], { then: { type: 'suspend', seen: 0 } })]
  const failed = [...once, start('charge:1'), fail('charge:1', failure('busy'))]
  function_(...once, start('charge:1'))
    .when(fail('charge:1', failure('busy')))
    .thenTold('step.failed charge:1', 'step.retry_scheduled charge:1')
  expect(taskStatus(taskOf(...failed))).toBe('waiting_for_retry')
  const again = [...failed, retryDue('charge:1'), start('charge:1', { attempt: 2 })]
  function_(...again)
    .when(fail('charge:1', failure('busy', { code: 'BUSY' }), { attempt: 2 }))
    .thenTold('step.failed charge:1', 'step.scheduled run')
  const heard = [...again, fail('charge:1', failure('busy', { code: 'BUSY' }), { attempt: 2 })]
  const task = taskOf(...heard)
  expect(lastFact(task)).toMatchObject({ outcome: { type: 'failed', failure: { message: 'busy', code: 'BUSY' } } })
  expect([task.phase, task.deadLetters.entries]).toEqual(['running', []])
  function_(...heard)
    .when(order('retry'))
    .thenRefused('NOTHING_TO_RETRY')
  function_(...heard)
    .when(byHand('reset_step', 'charge:1'))
    .thenRefused('STEP_NOT_FAILED')
  function_(...heard)
    .when(byHand('resolve_step', 'charge:1'))
    .thenRefused('STEP_FINISHED')
  const ended = taskOf(...heard, start('run', { attempt: 2 }), complete('run', '1', { attempt: 2 }))
  expect([ended.phase, taskResult(ended)]).toEqual(['completed', '1'])
})

test('a call that waits too long for a worker has failed, and its time arms a timer', () => {
  const timed = [
    ...begun,
    record([call('charge', { scheduleToStartMs: durationMs(5_000) })], { then: { type: 'suspend', seen: 0 } }),
  ]
  const task = taskOf(...timed)
  expect([mayBeTimed(task), timerRows(TASK, task)]).toMatchObject([
    true,
    [{ kind: 'schedule_to_start', step: 'charge:1', dueAt: at(5_000) }],
  ])
  function_(...timed)
    .when(timeOut('charge:1', { at: 5_000 }, 'schedule_to_start'))
    .thenTold('step.timed_out charge:1', 'step.scheduled run')
  expect(lastFact(taskOf(...timed, timeOut('charge:1', { at: 5_000 }, 'schedule_to_start')))).toMatchObject({
    outcome: { type: 'failed', failure: { code: 'SCHEDULE_TO_START_TIMED_OUT' } },
  })
})

test('a person may complete a call that waits, and the function goes on with what they gave', () => {
  function_(...called)
    .when(completeByHand('charge:1', '"by hand"'))
    .thenTold('step.completed_manually charge:1', 'step.scheduled run')
  expect(lastFact(taskOf(...called, completeByHand('charge:1', '"by hand"')))).toMatchObject({ outcome: { result: '"by hand"' } })
})

describe('nobody waits for a call any more', () => {
  test('because the function cancels it', () => {
    const running = [...begun, record([call('charge')]), start('charge:1', { worker: 'w2' })]
    function_(...running)
      .when(record([{ type: 'cancel', key: 'charge' }]))
      .thenTold('step.cancelled charge:1')
    const cancelled = [...running, record([{ type: 'cancel', key: 'charge' }])]
    expect(lastFact(taskOf(...cancelled))).toEqual({ type: 'call.ended', key: 'charge', outcome: { type: 'cancelled' } })
    function_(...cancelled)
      .when(stop('charge:1', { worker: 'w2' }))
      .thenNothingNew()
    function_(...cancelled)
      .when(record([{ type: 'cancel', key: 'charge' }]))
      .thenNothingNew()
  })

  test('because the function takes it back in the same breath: it is never ready', () => {
    function_(...begun)
      .when(record([call('charge'), { type: 'cancel', key: 'charge' }]))
      .thenTold('steps.created', 'step.cancelled charge:1')
  })

  test('because the function ended, well or not', () => {
    const running = [...begun, record([call('charge'), call('refund')]), start('charge:1', { worker: 'w2' })]
    function_(...running)
      .when(complete('run'))
      .thenTold('step.completed run', 'step.cancelled charge:1', 'step.cancelled refund:2', 'task.completed')
    function_(...running)
      .when(fail('run', permanently))
      .thenTold('step.failed run', 'step.cancelled charge:1', 'step.cancelled refund:2', 'task.failed')
  })

  test('because the function goes on from its beginning: what it called before is no step of the task any more', () => {
    const running = [...begun, record([call('charge')]), start('charge:1', { worker: 'w2' })]
    function_(...running)
      .when(continueAs('2'))
      .thenTold('step.cancelled charge:1', 'function.continued')
    const task = taskOf(...running, continueAs('2'), record([call('charge')]))
    expect(task.graph.steps.map(({ name }) => name)).toEqual(['run', 'charge:2'])
    expect(task.counts).toMatchObject({ in_progress: 1, enqueued: 1, cancelled: 0 })
  })

  test('because a function that diverged is cancelled', () => {
    const diverged = [...begun, record([call('charge')]), start('charge:1', { worker: 'w2' }), diverge()]
    function_(...diverged)
      .when(cancel())
      .thenTold('task.cancel_requested', 'step.cancelled run', 'step.cancelled charge:1', 'task.cancelled')
    const heard = [...diverged, complete('charge:1', '{}', { worker: 'w2' })]
    expect([taskStatus(taskOf(...heard)), lastFact(taskOf(...heard))?.type]).toEqual(['diverged', 'call.ended'])
    function_(...heard)
      .when(order('retry'))
      .thenTold('task.retried', 'step.scheduled run')
  })
})

test('a function that is cancelled hears it, and may call handlers while it cleans up', () => {
  function_(...charged)
    .when(cancel())
    .thenTold('task.cancel_requested', 'step.scheduled run')
  const cleaning = [...charged, cancel(), start('run', { attempt: 2 })]
  function_(...cleaning)
    .when(record([{ type: 'cancel', key: 'charge' }, call('refund')], { attempt: 2 }))
    .thenTold('step.cancelled charge:1', 'steps.created', 'step.scheduled refund:2')
  const refunding = [...cleaning, record([call('refund')], { attempt: 2 }), start('refund:2')]
  function_(...refunding)
    .when(fail('refund:2', failure('busy')))
    .thenTold('step.failed refund:2', 'step.retry_scheduled refund:2')
  // Its worker goes away: nobody asked it to stop.
  function_(...refunding)
    .when(stop('refund:2'))
    .thenTold('step.failed refund:2', 'step.retry_scheduled refund:2')
  function_(...refunding, complete('refund:2'))
    .when(stop('run', { attempt: 2 }))
    .thenTold('step.cancelled run', 'step.cancelled charge:1', 'task.cancelled')
})

test('what it waits for is told', () => {
  const { steps } = explainTask(TASK, taskOf(...called), undefined)
  expect(steps.map(({ step, reason, waitsFor }) => [step, reason, waitsFor])).toEqual([
    ['run', 'call', ['charge:1']],
    ['charge:1', 'worker', []],
  ])
})

test('operations are bounded, calls among them', () => {
  const many = Array.from({ length: LIMITS.functionOperationsMax }, (_, n) => call(`c${n}`))
  const full = taskOf(...begun, record(many))
  expect(full.steps.length).toBe(LIMITS.functionOperationsMax + 1)
  function_(...begun, record(many))
    .when(record([call('one more')]))
    .thenRefused('TOO_MANY_OPERATIONS')
})

test('the name of a step is made of the key, and fits what names may be', () => {
  expect(callStepName('all/0/pay#2', 7)).toBe('all/0/pay#2:7')
  expect(callStepName('x'.repeat(2_048), 12)).toHaveLength(LIMITS.nameCharsMax)
  expect(callStepName(`${'x'.repeat(252)}\u{1F600}`, 1)).toBe(`${'x'.repeat(252)}?:1`)
  expect(callStepName('a\u0000b', 1)).toBe('a?b:1')
})

test('a suspended function whose call ends in between is not suspended: it has news', () => {
  const running = [...begun, record([call('charge')]), start('charge:1'), complete('charge:1')]
  function_(...running)
    .when(suspend(1))
    .thenRefused('JOURNAL_HAS_NEWS')
})
