/** The task decider, as history, order and news. */
import { durationMs, stepId, trustedJson, workerId } from '@tasker/core'
import { describe, test } from 'vitest'
import {
  at,
  cancel,
  complete,
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
  runDue,
  start,
  step,
  stop,
  submit,
  timeOut,
} from '../../../support/given.js'

const a = stepId('a')
const b = stepId('b')
const w1 = workerId('w1')
const chain = plan(step('a'), step('b', { after: ['a'] }))
const diamond = plan(step('a'), step('b', { after: ['a'] }), step('c', { after: ['a'] }), step('d', { after: ['b', 'c'] }))
const pair = plan(step('a'), step('b'))
const exact = { jitter: 0 }
const patient = plan(step('a', { retry: exact }), step('b', { after: ['a'] }))
const once = plan(step('a', { retry: { maxAttempts: 1 } }), step('b', { after: ['a'] }))

describe('submitting', () => {
  test('a submitted task has its steps, and those that wait for nothing are ready', () =>
    given(pair).when(submit()).thenTold('task.submitted', 'steps.created', 'step.scheduled a', 'step.scheduled b'))
  test('a step with dependencies is not ready at once', () =>
    given(chain).when(submit()).thenTold('task.submitted', 'steps.created', 'step.scheduled a'))
  test('a task with a start time to come makes nothing ready', () =>
    given(chain)
      .when(submit({ runAt: at(5) }))
      .thenTold('task.submitted', 'steps.created'))
  test('a start time gone by is no reason to wait', () =>
    given(chain)
      .when(submit({ runAt: at(0) }))
      .thenTold('task.submitted', 'steps.created', 'step.scheduled a'))
  test('a task is submitted once', () => given(chain, submit()).when(submit()).thenRefused('TASK_EXISTS'))
  test('a finished task cannot be submitted again', () =>
    given(plan(step('a')), submit(), start('a'), complete('a'))
      .when(submit())
      .thenRefused('TASK_EXISTS'))
  test('a task without steps is complete at once', () =>
    given(plan()).when(submit()).thenTold('task.submitted', 'steps.created', 'task.completed'))
  test('a command to a task that was never submitted finds none', () =>
    given(chain).when(start('a')).thenRefused('TASK_NOT_FOUND'))
})

describe('waiting for the start time', () => {
  const waiting = given(pair, submit({ runAt: at(5) }))
  test('when the time comes the roots are ready', () => waiting.when(runDue(5)).thenTold('step.scheduled a', 'step.scheduled b'))
  test('before the time nothing is', () => waiting.when(runDue(4)).thenRefused('NOT_DUE'))
  test('no step starts before the time', () => waiting.when(start('a')).thenRefused('STEP_NOT_READY'))
  test('the time comes once', () =>
    given(pair, submit({ runAt: at(5) }), runDue(5))
      .when(runDue(6))
      .thenRefused('NOT_DUE'))
  test('a waiting task that is cancelled ends at once', () =>
    waiting.when(cancel()).thenTold('task.cancel_requested', 'step.cancelled a', 'step.cancelled b', 'task.cancelled'))
  test('a task without steps is complete when its time comes', () =>
    given(plan(), submit({ runAt: at(5) }))
      .when(runDue(5))
      .thenTold('task.completed'))
})

describe('starting', () => {
  test('a ready step starts with the worker that has a slot', () =>
    given(chain, submit()).when(start('a')).then({ type: 'step.started', step: a, attempt: 1, worker: w1 }))
  test('a step starts once, however often a queue offers it', () =>
    given(chain, submit(), start('a'))
      .when(start('a', { worker: 'w2' }))
      .thenRefused('STEP_NOT_READY'))
  test('a step does not start before what it depends on is complete', () =>
    given(chain, submit(), start('a')).when(start('b')).thenRefused('STEP_NOT_READY'))
  test('an attempt number that is not the next does not start', () =>
    given(chain, submit())
      .when(start('a', { attempt: 2 }))
      .thenRefused('STEP_NOT_READY'))
  test('a step that waits for its retry does not start', () =>
    given(chain, submit(), start('a'), fail('a'))
      .when(start('a', { attempt: 2 }))
      .thenRefused('STEP_NOT_READY'))
  test('a step of another template is unknown', () => given(chain, submit()).when(start('x')).thenRefused('UNKNOWN_STEP'))
})

describe('completing', () => {
  test('a completed step makes ready what waited for it alone', () =>
    given(diamond, submit(), start('a'))
      .when(complete('a', '1'))
      .then(
        { type: 'step.completed', step: a, attempt: 1, output: trustedJson('1') },
        { type: 'step.scheduled', step: b, attempt: 1 },
        { type: 'step.scheduled', step: stepId('c'), attempt: 1 },
      ))
  test('what a handler tells beside a result or a failure stands in the event', () => {
    const metadata = trustedJson('{"rows":3}')
    given(chain, submit(), start('a'))
      .when((state) => ({ ...complete('a', '1')(state), metadata }))
      .then(
        { type: 'step.completed', step: a, attempt: 1, output: trustedJson('1'), metadata },
        { type: 'step.scheduled', step: b, attempt: 1 },
      )
    given(chain, submit(), start('a'))
      .when((state) => ({ ...fail('a', failure('it broke', { retryable: false }))(state), metadata }))
      .then(
        {
          type: 'step.failed',
          step: a,
          attempt: 1,
          failure: failure('it broke', { retryable: false }),
          metadata,
          permanent: true,
        },
        { type: 'task.blocked', steps: [a] },
      )
  })
  test('a step with two dependencies waits for both', () => {
    const half = [submit(), start('a'), complete('a'), start('b'), start('c')]
    given(diamond, ...half)
      .when(complete('b'))
      .thenTold('step.completed b')
    given(diamond, ...half, complete('b'))
      .when(complete('c'))
      .thenTold('step.completed c', 'step.scheduled d')
  })
  test('the last step completes the task', () =>
    given(plan(step('a')), submit(), start('a'))
      .when(complete('a'))
      .thenTold('step.completed a', 'task.completed'))
  test('a step that failed in between blocks the task when the other branch is through', () =>
    given(plan(step('a'), step('b'), step('c', { after: ['a'] })), submit(), start('a'), start('b'), fail('a', permanently))
      .when(complete('b'))
      .then({ type: 'step.completed', step: b, attempt: 1, output: trustedJson('{}') }, { type: 'task.blocked', steps: [a] }))
  test('a branch goes on although another has failed', () =>
    given(plan(step('a'), step('b'), step('c', { after: ['b'] })), submit(), start('a'), start('b'), fail('a', permanently))
      .when(complete('b'))
      .thenTold('step.completed b', 'step.scheduled c'))
})

describe('failing', () => {
  test('a failed step is tried again after its delay', () =>
    given(patient, submit(), start('a'))
      .when(fail('a', failure('no route'), { at: 7 }))
      .then(
        { type: 'step.failed', step: a, attempt: 1, failure: failure('no route'), permanent: false },
        { type: 'step.retry_scheduled', step: a, attempt: 2, dueAt: at(1_007), delayMs: durationMs(1_000) },
      ))
  test('without backoff the next attempt is ready at once', () =>
    given(plan(step('a', { retry: { backoff: 'none' } })), submit(), start('a'))
      .when(fail('a'))
      .thenTold('step.failed a', 'step.retry_scheduled a', 'step.scheduled a'))
  test('the time a server asked for is waited for', () =>
    given(patient, submit(), start('a'))
      .when(fail('a', failure('busy', { retryAfterMs: durationMs(5_000) })))
      .then(
        {
          type: 'step.failed',
          step: a,
          attempt: 1,
          failure: failure('busy', { retryAfterMs: durationMs(5_000) }),
          permanent: false,
        },
        { type: 'step.retry_scheduled', step: a, attempt: 2, dueAt: at(5_000), delayMs: durationMs(5_000) },
      ))
  test('a permanent failure of the only active step blocks the task', () =>
    given(chain, submit(), start('a'))
      .when(fail('a', permanently))
      .then(
        { type: 'step.failed', step: a, attempt: 1, failure: permanently, permanent: true },
        { type: 'task.blocked', steps: [a] },
      ))
  test('a failure does not block a task in which another step is active', () =>
    given(pair, submit(), start('a')).when(fail('a', permanently)).thenTold('step.failed a'))
  test('a failure does not block a task in which another step waits for its retry', () =>
    given(pair, submit(), start('a'), start('b'), fail('a')).when(fail('b', permanently)).thenTold('step.failed b'))
  test('the attempt that uses up the policy is the last', () =>
    given(once, submit(), start('a')).when(fail('a')).thenTold('step.failed a', 'task.blocked'))
  test('a policy of no attempts gives one', () =>
    given(plan(step('a', { retry: { maxAttempts: 0 } })), submit(), start('a'))
      .when(fail('a'))
      .thenTold('step.failed a', 'task.blocked'))
  test('a step that must not be retried is not', () =>
    given(plan(step('a', { retry: { retryable: false } })), submit(), start('a'))
      .when(fail('a'))
      .thenTold('step.failed a', 'task.blocked'))
  test('an error that the template names as permanent is, by its type or its code', () => {
    const strict = plan(step('a', { retry: { nonRetryableErrors: ['CardDeclined', 'E42'] } }))
    given(strict, submit(), start('a'))
      .when(fail('a', failure('no', { errorType: 'CardDeclined' })))
      .thenTold('step.failed a', 'task.blocked')
    given(strict, submit(), start('a'))
      .when(fail('a', failure('no', { code: 'E42' })))
      .thenTold('step.failed a', 'task.blocked')
  })
  test('what depends on a failed step never becomes ready', () =>
    given(chain, submit(), start('a'), fail('a', permanently)).when(start('b')).thenRefused('STEP_NOT_READY'))
  test('a lost worker costs the attempt, and the policy gives another', () =>
    given(patient, submit(), start('a'))
      .when(fail('a', failure('gone', { code: 'WORKER_LOST' })))
      .thenTold('step.failed a', 'step.retry_scheduled a'))
})

describe('retrying', () => {
  const waiting = [submit(), start('a'), fail('a')]
  test('a retry that is due is ready, with the number it was given', () =>
    given(patient, ...waiting)
      .when(retryDue('a'))
      .then({ type: 'step.scheduled', step: a, attempt: 2 }))
  test('a retry before its time is not', () =>
    given(patient, ...waiting)
      .when(retryDue('a', { at: 999 }))
      .thenRefused('NOT_DUE'))
  test('a timer that fires twice makes one attempt', () =>
    given(patient, ...waiting, retryDue('a'))
      .when(retryDue('a'))
      .thenRefused('STEP_NOT_READY'))
  test('a timer of another attempt fires for nothing', () =>
    given(patient, ...waiting)
      .when(retryDue('a', { attempt: 1 }))
      .thenRefused('STEP_NOT_READY'))
  test('a retry of a step of another template is unknown', () =>
    given(patient, ...waiting)
      .when(retryDue('x'))
      .thenRefused('UNKNOWN_STEP'))
  test('the second attempt can complete', () =>
    given(patient, ...waiting, retryDue('a'), start('a', { attempt: 2 }))
      .when(complete('a', '2', { attempt: 2 }))
      .thenTold('step.completed a', 'step.scheduled b'))
})

describe('timing out', () => {
  const running = given(plan(step('a', { retry: exact, timeoutMs: 500 })), submit(), start('a', { at: 100 }))
  test('an attempt that reached its deadline is over, and tried again', () =>
    running
      .when(timeOut('a', { at: 600 }))
      .then(
        { type: 'step.timed_out', kind: 'start_to_close', step: a, attempt: 1, timeoutMs: durationMs(500), permanent: false },
        { type: 'step.retry_scheduled', step: a, attempt: 2, dueAt: at(1_600), delayMs: durationMs(1_000) },
      ))
  test('an attempt with time left goes on', () => running.when(timeOut('a', { at: 599 })).thenRefused('NOT_DUE'))
  test('the timeout of the last attempt blocks the task', () =>
    given(once, submit(), start('a')).when(timeOut('a')).thenTold('step.timed_out a', 'task.blocked'))
  test('a template may name timeouts as permanent', () =>
    given(plan(step('a', { retry: { nonRetryableErrors: ['STEP_TIMED_OUT'] } })), submit(), start('a'))
      .when(timeOut('a'))
      .thenTold('step.timed_out a', 'task.blocked'))
  test('a timer of an attempt that is over fires for nothing', () => {
    given(pair, submit(), start('a'), complete('a')).when(timeOut('a')).thenRefused('LEASE_LOST')
    given(pair, submit(), start('a')).when(timeOut('x')).thenRefused('UNKNOWN_STEP')
  })
})

describe('releasing', () => {
  test('a start that was never sent is ready again under a new number', () =>
    given(chain, submit(), start('a'))
      .when(release('a'))
      .then(
        { type: 'step.released', step: a, attempt: 1, reason: 'never sent' },
        { type: 'step.scheduled', step: a, attempt: 2 },
      ))
  test('a released start costs no attempt of the policy', () =>
    given(plan(step('a', { retry: { maxAttempts: 2 } })), submit(), start('a'), release('a'), start('a', { attempt: 2 }))
      .when(fail('a', failure(), { attempt: 2 }))
      .thenTold('step.failed a', 'step.retry_scheduled a'))
  test('an attempt that is not out cannot be released', () => {
    given(chain, submit()).when(release('a')).thenRefused('LEASE_LOST')
    given(chain, submit(), start('a'))
      .when(release('a', { attempt: 2 }))
      .thenRefused('LEASE_LOST')
    given(chain, submit(), start('a')).when(release('x')).thenRefused('UNKNOWN_STEP')
  })
  test('a start released while its task is being cancelled is cancelled', () =>
    given(chain, submit(), start('a'), cancel())
      .when(release('a'))
      .thenTold('step.released a', 'step.cancelled a', 'task.cancelled'))
})

describe('results that do not count', () => {
  const done = [submit(), start('a'), complete('a', '1')]
  const retried = [submit(), start('a'), timeOut('a'), retryDue('a', { at: 70_000 }), start('a', { attempt: 2, worker: 'w2' })]
  const late = { type: 'step.result_ignored', step: a, attempt: 1, reason: 'it is over' } as const

  test('a result that is sent again changes nothing', () =>
    given(chain, ...done)
      .when(complete('a', '1'))
      .thenNothingNew())
  test('another output for a complete step is recorded as ignored', () =>
    given(chain, ...done)
      .when(complete('a', '2'))
      .then({ ...late, outcome: 'completed' }))
  test('the same output from another worker is recorded as ignored', () =>
    given(chain, ...done)
      .when(complete('a', '1', { worker: 'w2' }))
      .then({ ...late, outcome: 'completed' }))
  test('a failure of a complete step is recorded as ignored', () =>
    given(chain, ...done)
      .when(fail('a'))
      .then({ ...late, outcome: 'failed' }))
  test('an ignored result is recorded once an attempt', () =>
    given(chain, ...done, complete('a', '2'))
      .when(complete('a', '3'))
      .thenRefused('LEASE_LOST'))
  test('a result after the timeout is recorded as ignored, and the new attempt goes on', () => {
    given(chain, ...retried)
      .when(complete('a', '1'))
      .then({ ...late, outcome: 'completed' })
    given(chain, ...retried, complete('a', '1'))
      .when(complete('a', '2', { attempt: 2, worker: 'w2' }))
      .thenTold('step.completed a', 'step.scheduled b')
  })
  test('a result of an attempt before a reset is recorded as ignored, also while the step waits for one that was reset with it', () => {
    const goesOn = plan(step('a', { more: { onFailure: 'continue' } }), step('b', { after: ['a'] }))
    const failed = [submit(), start('a'), fail('a', permanently), start('b'), fail('b', permanently)]
    const reset = [...failed, order('retry')]
    given(goesOn, ...reset)
      .when(complete('b', '1'))
      .thenTold('step.result_ignored b')
  })
  test('a result from a worker that does not hold the attempt is recorded as ignored, and the holder may still answer', () => {
    given(chain, submit(), start('a'))
      .when(complete('a', '1', { worker: 'w2' }))
      .then({ ...late, outcome: 'completed', reason: 'another worker holds it' })
    given(chain, submit(), start('a'), complete('a', '1', { worker: 'w2' }))
      .when(complete('a', '1'))
      .thenTold('step.completed a', 'step.scheduled b')
  })
  test('a result of an attempt that was never given out is refused', () => {
    given(chain, submit()).when(complete('a')).thenRefused('LEASE_LOST')
    given(chain, submit(), start('a'))
      .when(complete('a', '1', { attempt: 2 }))
      .thenRefused('LEASE_LOST')
    given(chain, submit(), start('a'), fail('a'))
      .when(fail('a', failure(), { attempt: 2 }))
      .thenRefused('LEASE_LOST')
    given(chain, submit(), start('a'))
      .when(complete('a', '1', { attempt: 0 }))
      .thenRefused('LEASE_LOST')
    given(chain, submit(), start('a'), cancel()).when(complete('b')).thenRefused('LEASE_LOST')
  })
  test('a result of a step that does not exist is refused', () => {
    given(chain, submit()).when(complete('x')).thenRefused('UNKNOWN_STEP')
    given(chain, submit()).when(fail('x')).thenRefused('UNKNOWN_STEP')
    given(chain, submit()).when(stop('x')).thenRefused('UNKNOWN_STEP')
  })
  test('a failure that is sent again changes nothing, whatever became of the step since', () => {
    const failed = [submit(), start('a'), fail('a')]
    const again = fail('a')
    given(patient, ...failed)
      .when(again)
      .thenNothingNew()
    given(patient, ...failed, retryDue('a'), start('a', { attempt: 2, worker: 'w2' }))
      .when(again)
      .thenNothingNew()
    given(patient, ...failed, retryDue('a'), start('a', { attempt: 2 }), complete('a', '1', { attempt: 2 }))
      .when(again)
      .thenNothingNew()
    given(once, ...failed)
      .when(again)
      .thenNothingNew()
  })
  test('another failure of an attempt that failed is recorded as ignored', () =>
    given(patient, submit(), start('a'), fail('a'))
      .when(fail('a', failure('something else')))
      .then({ ...late, outcome: 'failed' }))
  test('a late guess that a worker is lost leaves no trace', () =>
    given(chain, ...done)
      .when(fail('a', failure('gone', { code: 'WORKER_LOST' })))
      .thenRefused('LEASE_LOST'))
})

describe('a worker that stops by itself', () => {
  test('its attempt counts as failed, and the policy gives another', () =>
    given(patient, submit(), start('a')).when(stop('a')).thenTold('step.failed a', 'step.retry_scheduled a'))
  test('saying it again changes nothing', () => given(patient, submit(), start('a'), stop('a')).when(stop('a')).thenNothingNew())
  test('having stopped after the timeout is no news', () =>
    given(patient, submit(), start('a'), timeOut('a')).when(stop('a')).thenNothingNew())
  test('an attempt of another worker cannot be stopped', () =>
    given(patient, submit(), start('a'))
      .when(stop('a', { worker: 'w2' }))
      .thenRefused('LEASE_LOST'))
  test('an attempt that was never given out cannot be stopped', () =>
    given(patient, submit()).when(stop('a')).thenRefused('LEASE_LOST'))
})

describe('cancelling', () => {
  const running = [submit(), start('a'), cancel('customer left')]
  test('a task in which nothing runs ends at once', () =>
    given(chain, submit())
      .when(cancel('customer left'))
      .then(
        { type: 'task.cancel_requested', reason: 'customer left', graceMs: durationMs(10_000) },
        { type: 'step.cancelled', step: a },
        { type: 'step.cancelled', step: b },
        { type: 'task.cancelled' },
      ))
  test('running steps have their grace', () =>
    given(chain, submit(), start('a')).when(cancel()).thenTold('task.cancel_requested', 'step.cancelled b'))
  test('a step that waits for its retry is cancelled', () =>
    given(pair, submit(), start('a'), fail('a'), start('b')).when(cancel()).thenTold('task.cancel_requested', 'step.cancelled a'))
  test('a blocked task can be cancelled, and what failed stays failed', () =>
    given(chain, submit(), start('a'), fail('a', permanently))
      .when(cancel())
      .thenTold('task.cancel_requested', 'step.cancelled b', 'task.cancelled'))
  test('a running step that stops ends the task', () =>
    given(chain, ...running)
      .when(stop('a'))
      .thenTold('step.cancelled a', 'task.cancelled'))
  test('a running step may still complete, but nothing follows', () =>
    given(chain, ...running)
      .when(complete('a'))
      .thenTold('step.completed a', 'task.cancelled'))
  test('a running step that fails is not tried again', () =>
    given(chain, ...running)
      .when(fail('a'))
      .then({ type: 'step.failed', step: a, attempt: 1, failure: failure(), permanent: true }, { type: 'task.cancelled' }))
  test('a running step that times out is not tried again', () =>
    given(chain, ...running)
      .when(timeOut('a'))
      .thenTold('step.timed_out a', 'task.cancelled'))
  test('the task waits for all that run', () => {
    const both = [submit(), start('a'), start('b'), cancel()]
    given(pair, ...both)
      .when(complete('a'))
      .thenTold('step.completed a')
    given(pair, ...both, complete('a'))
      .when(stop('b'))
      .thenTold('step.cancelled b', 'task.cancelled')
  })
  test('the end of the grace cancels what still runs', () =>
    given(chain, ...running)
      .when(graceOver())
      .thenTold('step.cancelled a', 'task.cancelled'))
  test('before the end of the grace nothing is forced', () =>
    given(chain, ...running)
      .when(graceOver(9_999))
      .thenRefused('NOT_DUE'))
  test('there is no grace without a request', () => given(chain, submit()).when(graceOver()).thenRefused('NOT_DUE'))
  test('a task is cancelled once', () =>
    given(chain, ...running)
      .when(cancel())
      .thenRefused('CANCEL_ALREADY_REQUESTED'))
  test('nothing starts in a task that is being cancelled', () =>
    given(pair, submit(), start('a'), cancel()).when(start('b')).thenRefused('STEP_NOT_READY'))
})

describe('failing a task', () => {
  const pair = plan(step('a'), step('b', { after: ['a'] }), step('c'))
  const ended = { type: 'task.failed', code: 'GIVEN_UP', message: 'Nobody waits for it.' } as const
  test('what is open ends with it, what is over stays', () => {
    given(pair, submit(), start('a'), complete('a'), start('c'))
      .when(failTask())
      .then({ type: 'step.cancelled', step: stepId('b') }, { type: 'step.cancelled', step: stepId('c') }, ended)
  })
  test('a blocked task and one that waits for its time can fail', () => {
    given(plan(step('a')), submit(), start('a'), fail('a', permanently))
      .when(failTask())
      .then(ended)
    given(plan(step('a')), submit({ runAt: at(5) }))
      .when(failTask())
      .thenTold('step.cancelled a', 'task.failed')
  })
  test('a task that is being cancelled ends by itself', () => {
    given(pair, submit(), start('a'), cancel()).when(failTask()).thenRefused('CANCEL_ALREADY_REQUESTED')
  })
})

describe('after the end', () => {
  const single = plan(step('a'))
  const completed = given(single, submit(), start('a'), complete('a', '1'))
  const cancelled = given(single, submit(), start('a'), cancel(), graceOver())
  const failed = given(single, submit(), failTask())
  test('every order is refused', () => {
    for (const order of [start('a'), release('a'), timeOut('a'), retryDue('a'), runDue(0), cancel(), graceOver()]) {
      completed.when(order).thenRefused('TASK_FINISHED')
      cancelled.when(order).thenRefused('TASK_FINISHED')
      failed.when(order).thenRefused('TASK_FINISHED')
    }
  })
  test('a repeated result is still known', () => {
    completed.when(complete('a', '1')).thenNothingNew()
    cancelled.when(stop('a')).thenNothingNew()
  })
  test('any other result is refused, and no event follows the end', () => {
    completed.when(complete('a', '2')).thenRefused('LEASE_LOST')
    completed.when(fail('a')).thenRefused('LEASE_LOST')
    cancelled.when(complete('a', '1')).thenRefused('LEASE_LOST')
    completed.when(complete('x')).thenRefused('UNKNOWN_STEP')
  })
})
