/** Taking completed steps back, as history, order and news. */
import { durationMs, isTakingBack, outputOf, runOf, taskStatus, undoOrder, type StepSpec } from '@tasker/core'
import { describe, expect, test } from 'vitest'
import {
  at,
  byHand,
  cancel,
  complete,
  completeByHand,
  fail,
  failTask,
  failure,
  given,
  graceOver,
  order,
  permanently,
  plan,
  release,
  retryDue,
  start,
  step,
  stop,
  submit,
  taskAfter,
  timeOut,
  type Order,
} from '../../../support/given.js'

const back = (name: string, maxAttempts = 2): Partial<StepSpec> => {
  const { handler, retry } = step(`undo_${name}`, { retry: { maxAttempts, jitter: 0 } })
  return { compensate: { handler, retry, timeoutMs: durationMs(5_000), keys: [] } }
}

/** reserve and charge have a way back, pack between them has none; ship takes back. */
const trip = plan(
  step('reserve', { more: back('reserve') }),
  step('pack', { after: ['reserve'] }),
  step('charge', { after: ['pack'], more: back('charge') }),
  step('ship', { after: ['charge'], more: { onFailure: 'compensate' } }),
  step('tell', { after: ['ship'] }),
)
const done = (name: string, output = '{}', attempt = 1): readonly Order[] => [
  start(name, { attempt }),
  complete(name, output, { attempt }),
]
const worked: readonly Order[] = [
  submit(),
  ...done('reserve', '{"seat":7}'),
  ...done('pack'),
  ...done('charge', '{"id":"c1"}'),
  start('ship'),
]
const failed = [...worked, fail('ship', permanently)]

describe('a failure that takes back', () => {
  test('begins with what nothing else built on, and what never began is cancelled', () => {
    given(trip, ...worked)
      .when(fail('ship', permanently))
      .thenTold('step.failed ship', 'step.cancelled tell', 'compensation.started', 'step.scheduled charge')
    expect(taskStatus(taskAfter(trip, ...failed))).toBe('compensating')
  })

  test('goes on against the order of the dependencies, over steps without a way back', () => {
    given(trip, ...failed, start('charge', { attempt: 2 }))
      .when(complete('charge', '{}', { attempt: 2 }))
      .thenTold('step.completed charge', 'step.scheduled reserve')
  })

  test('ends the task in error once all is taken back', () => {
    given(trip, ...failed, ...done('charge', '{}', 2), start('reserve', { attempt: 2 }))
      .when(complete('reserve', '{}', { attempt: 2 }))
      .thenTold('step.completed reserve', 'compensation.completed', 'task.failed')
    const ended = taskAfter(trip, ...failed, ...done('charge', '{}', 2), ...done('reserve', '{}', 2))
    expect(ended).toMatchObject({ phase: 'failed', failed: { code: 'COMPENSATED' } })
    expect(ended.failed?.message).toContain('after ship failed')
    expect(ended.steps.map(({ status }) => status)).toEqual(['compensated', 'complete', 'compensated', 'error', 'cancelled'])
    expect([taskStatus(ended), outputOf(ended, 0)]).toEqual(['error', '{"seat":7}'])
  })

  test('waits until independent branches have run to their end, and takes them back too', () => {
    const branches = plan(
      step('a', { more: { onFailure: 'compensate' } }),
      step('b'),
      step('c', { after: ['b'], more: back('c') }),
    )
    const history = [submit(), start('a'), fail('a', permanently), ...done('b')]
    expect(taskStatus(taskAfter(branches, ...history))).toBe('steps_in_process')
    given(branches, ...history, start('c'))
      .when(complete('c'))
      .thenTold('step.completed c', 'compensation.started', 'step.scheduled c')
  })

  test('with nothing to take back ends the task at once', () => {
    given(plan(step('a', { more: { onFailure: 'compensate' } })), submit(), start('a'))
      .when(fail('a', permanently))
      .thenTold('step.failed a', 'compensation.started', 'compensation.completed', 'task.failed')
  })

  test('is retried first, as the policy of the step says', () => {
    given(trip, ...worked)
      .when(fail('ship', failure()))
      .thenTold('step.failed ship', 'step.retry_scheduled ship')
  })

  test('takes independent steps back side by side', () => {
    const wide = plan(
      step('a', { more: back('a') }),
      step('b', { more: back('b') }),
      step('c', { after: ['a', 'b'], more: { onFailure: 'compensate' } }),
    )
    given(wide, submit(), ...done('a'), ...done('b'), start('c'))
      .when(fail('c', permanently))
      .thenTold('step.failed c', 'compensation.started', 'step.scheduled b', 'step.scheduled a')
  })
})

describe('a way back', () => {
  test('is a series of attempts with a policy and a timeout of its own', () => {
    const undoing = taskAfter(trip, ...failed, start('charge', { attempt: 2, at: 100 }))
    expect(undoing.steps[2]).toMatchObject({ status: 'in_progress', attempts: 2, attemptsSinceReset: 1, deadlineAt: at(5_100) })
    expect(runOf(undoing, 2).handler.callable).toBe('Handlers.undo_charge')
    expect(runOf(undoing, 0).handler.callable).toBe('Handlers.reserve')
    expect(undoOrder(undoing)).toEqual([2, 0])
    given(trip, ...failed, start('charge', { attempt: 2 }))
      .when(fail('charge', failure(), { attempt: 2 }))
      .thenTold('step.failed charge', 'step.retry_scheduled charge')
    given(trip, ...failed, start('charge', { attempt: 2 }), fail('charge', failure(), { attempt: 2 }))
      .when(retryDue('charge', { attempt: 3 }))
      .thenTold('step.scheduled charge')
    given(trip, ...failed, start('charge', { attempt: 2 }))
      .when(timeOut('charge', { attempt: 2, at: 5_000 }))
      .thenTold('step.timed_out charge', 'step.retry_scheduled charge')
    given(trip, ...failed, start('charge', { attempt: 2 }))
      .when(stop('charge', { attempt: 2 }))
      .thenTold('step.failed charge', 'step.retry_scheduled charge')
    given(trip, ...failed, start('charge', { attempt: 2 }))
      .when(release('charge', { attempt: 2 }))
      .thenTold('step.released charge', 'step.scheduled charge')
  })

  test('counts once: a repeat of its result is known, another is ignored', () => {
    const undone = [...failed, ...done('charge', '{"n":1}', 2)]
    given(trip, ...undone)
      .when(complete('charge', '{"n":1}', { attempt: 2 }))
      .thenNothingNew()
    given(trip, ...undone)
      .when(complete('charge', '{"n":2}', { attempt: 2 }))
      .thenTold('step.result_ignored charge')
    given(trip, ...undone)
      .when(start('charge', { attempt: 2 }))
      .thenRefused('STEP_NOT_READY')
  })

  test('that fails for good blocks the task once nothing else is active', () => {
    given(trip, ...failed, start('charge', { attempt: 2 }))
      .when(fail('charge', permanently, { attempt: 2 }))
      .thenTold('step.failed charge', 'compensation.failed', 'task.blocked')
    const blocked = taskAfter(trip, ...failed, start('charge', { attempt: 2 }), fail('charge', permanently, { attempt: 2 }))
    expect([taskStatus(blocked), blocked.steps[0]?.status]).toEqual(['blocked_by_failures', 'complete'])
  })

  test('lets the others go on when it fails', () => {
    const wide = plan(
      step('a', { more: back('a') }),
      step('b', { more: back('b') }),
      step('c', { after: ['a', 'b'], more: { onFailure: 'compensate' } }),
    )
    const history = [
      submit(),
      ...done('a'),
      ...done('b'),
      start('c'),
      fail('c', permanently),
      start('a', { attempt: 2 }),
      start('b', { attempt: 2 }),
    ]
    given(wide, ...history)
      .when(fail('b', permanently, { attempt: 2 }))
      .thenTold('step.failed b')
    given(wide, ...history, fail('b', permanently, { attempt: 2 }))
      .when(complete('a', '1', { attempt: 2 }))
      .thenTold('step.completed a', 'compensation.failed', 'task.blocked')
  })
})

describe('cancelling', () => {
  test('takes back first what is complete, then the task is cancelled', () => {
    given(trip, submit(), ...done('reserve'))
      .when(cancel())
      .thenTold(
        'task.cancel_requested',
        'step.cancelled pack',
        'step.cancelled charge',
        'step.cancelled ship',
        'step.cancelled tell',
        'compensation.started',
        'step.scheduled reserve',
      )
    given(trip, submit(), ...done('reserve'), cancel(), start('reserve', { attempt: 2 }))
      .when(complete('reserve', '{}', { attempt: 2 }))
      .thenTold('step.completed reserve', 'compensation.completed', 'task.cancelled')
  })

  test('waits for what runs, and takes that back too when it completes', () => {
    given(trip, submit(), start('reserve'), cancel())
      .when(complete('reserve'))
      .thenTold('step.completed reserve', 'compensation.started', 'step.scheduled reserve')
    given(trip, submit(), start('reserve'), cancel()).when(graceOver()).thenTold('step.cancelled reserve', 'task.cancelled')
  })

  test('has no grace for the ways back: a timer that comes late ends none of them', () => {
    const undoing = [submit(), start('reserve'), cancel(), complete('reserve'), start('reserve', { attempt: 2 })]
    given(trip, ...undoing)
      .when(graceOver())
      .thenRefused('NOT_DUE')
  })

  test('of a task that is being taken back is refused: it ends by itself', () => {
    given(trip, ...failed)
      .when(cancel())
      .thenRefused('TASK_COMPENSATING')
  })

  test('gives a compensation up that failed for good', () => {
    given(trip, ...failed, start('charge', { attempt: 2 }), fail('charge', permanently, { attempt: 2 }))
      .when(cancel())
      .thenTold('task.cancel_requested', 'task.cancelled')
  })
})

test('a task that fails as a whole is not taken back any further', () => {
  given(trip, ...failed)
    .when(failTask())
    .thenTold('step.cancelled charge', 'task.failed')
})

describe('operators', () => {
  const stuck = [...failed, start('charge', { attempt: 2 }), fail('charge', permanently, { attempt: 2 })]

  test('reset a way back that failed for good, with a new budget, and it goes on', () => {
    given(trip, ...stuck)
      .when(byHand('reset_step', 'charge'))
      .thenTold('step.reset_for_retry charge', 'step.scheduled charge')
    const again = taskAfter(trip, ...stuck, byHand('reset_step', 'charge'))
    expect([taskStatus(again), again.steps[2]]).toMatchObject([
      'compensating',
      { status: 'enqueued', attempts: 3, attemptsSinceReset: 0 },
    ])
    given(trip, ...stuck, byHand('reset_step', 'charge'), start('charge', { attempt: 3 }))
      .when(complete('charge', '{}', { attempt: 3 }))
      .thenTold('step.completed charge', 'step.scheduled reserve')
  })

  test('retry a task: its ways back are tried again, and nothing else of it is', () => {
    given(trip, ...stuck)
      .when(order('retry'))
      .thenTold('task.retried', 'step.reset_for_retry charge', 'step.scheduled charge')
  })

  test('resolve or complete a way back, and what it held goes on', () => {
    given(trip, ...stuck)
      .when(byHand('resolve_step', 'charge'))
      .thenTold('step.resolved_manually charge', 'step.scheduled reserve')
    given(trip, ...stuck)
      .when(completeByHand('charge', '{"refund":"by phone"}'))
      .thenTold('step.completed_manually charge', 'step.scheduled reserve')
    const handed = taskAfter(trip, ...stuck, completeByHand('charge', '{"refund":"by phone"}'), ...done('reserve', '{}', 2))
    expect(handed.steps[2]).toMatchObject({ status: 'compensated', output: '{"refund":"by phone"}', worker: undefined })
    expect([handed.phase, handed.failed?.code, outputOf(handed, 2)]).toEqual(['failed', 'COMPENSATED', '{"id":"c1"}'])
  })

  test('end the taking back with its last step', () => {
    const last = [...failed, ...done('charge', '{}', 2), start('reserve', { attempt: 2 })]
    given(trip, ...last)
      .when(byHand('resolve_step', 'reserve'))
      .thenTold('step.resolved_manually reserve', 'compensation.completed', 'task.failed')
    given(trip, ...last, fail('reserve', permanently, { attempt: 2 }))
      .when(completeByHand('reserve'))
      .thenTold('step.completed_manually reserve', 'compensation.completed', 'task.failed')
  })

  test('K4 have no hand on what failed before, nor on what is still complete', () => {
    for (const state of [failed, stuck]) {
      given(trip, ...state)
        .when(byHand('reset_step', 'ship'))
        .thenRefused('STEP_NOT_FAILED')
      given(trip, ...state)
        .when(byHand('resolve_step', 'ship'))
        .thenRefused('STEP_FINISHED')
      given(trip, ...state)
        .when(completeByHand('reserve'))
        .thenRefused('STEP_FINISHED')
    }
    given(trip, ...failed)
      .when(order('retry'))
      .thenRefused('NOTHING_TO_RETRY')
  })

  test('pause it: ways back become ready and wait', () => {
    const paused = [...failed, start('charge', { attempt: 2 }), order('pause'), complete('charge', '{}', { attempt: 2 })]
    expect(taskStatus(taskAfter(trip, ...paused))).toBe('paused')
    given(trip, ...paused)
      .when(start('reserve', { attempt: 2 }))
      .thenRefused('STEP_NOT_READY')
    given(trip, ...paused, order('resume'))
      .when(start('reserve', { attempt: 2 }))
      .thenTold('step.started reserve')
  })

  test('close a blocked one as it is', () => {
    given(trip, ...stuck)
      .when(order('resolve'))
      .thenTold('task.resolved_manually')
    expect(taskAfter(trip, ...stuck, order('resolve')).steps[0]?.status).toBe('complete')
  })
})

test('a block of the taking back opens a dead letter, and goes with it', () => {
  const stuck = [...failed, start('charge', { attempt: 2 }), fail('charge', failure(), { attempt: 2 })]
  const blocked = taskAfter(
    trip,
    ...stuck,
    retryDue('charge', { attempt: 3 }),
    start('charge', { attempt: 3 }),
    fail('charge', failure(), { attempt: 3 }),
  )
  expect(blocked.deadLetters.entries).toMatchObject([{ status: 'pending', reason: 'max_retries_exceeded' }])
  const again = taskAfter(
    trip,
    ...stuck,
    retryDue('charge', { attempt: 3 }),
    start('charge', { attempt: 3 }),
    fail('charge', failure(), { attempt: 3 }),
    byHand('reset_step', 'charge'),
  )
  expect(isTakingBack(again, 2)).toBe(true)
  expect(again.deadLetters.entries).toMatchObject([{ status: 'manually_resolved' }])
})

test('what a person gave as a result is taken back as any other', () => {
  given(trip, submit(), completeByHand('reserve'))
    .when(cancel())
    .thenTold(
      'task.cancel_requested',
      'step.cancelled pack',
      'step.cancelled charge',
      'step.cancelled ship',
      'step.cancelled tell',
      'compensation.started',
      'step.scheduled reserve',
    )
})
