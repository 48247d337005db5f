/** What operators do to a task and its steps. */
import { evolve, stepId, trustedJson } from '@tasker/core'
import { describe, expect, test } from 'vitest'
import {
  byHand,
  cancel,
  choose,
  complete,
  completeByHand,
  fail,
  given,
  order,
  permanently,
  plan,
  retryDue,
  runDue,
  start,
  step,
  stop,
  submit,
  taskAfter,
  timeOut,
  at,
} from '../../../support/given.js'

const chain = plan(step('a'), step('b', { after: ['a'] }))
const diamond = plan(step('a'), step('b'), step('c', { after: ['a', 'b'] }))
const failedA = [submit(), start('a'), fail('a', permanently)] as const
const a = stepId('a')

describe('pause and resume', () => {
  test('the reason and who gave it are in the event', () => {
    given(chain, submit())
      .when(order('pause', { reason: 'release', by: 'ops@x' }))
      .then({ type: 'task.paused', reason: 'release', by: 'ops@x' })
    given(chain, submit(), order('pause'))
      .when(order('resume', { reason: 'done' }))
      .then({ type: 'task.resumed', reason: 'done' })
  })

  test('nothing starts while a task is paused', () => {
    given(chain, submit(), order('pause')).when(start('a')).thenRefused('STEP_NOT_READY')
    given(chain, submit(), order('pause'), order('resume')).when(start('a')).thenTold('step.started a')
  })

  test('a running step finishes, and what it makes ready waits', () => {
    const paused = [submit(), start('a'), order('pause')] as const
    given(chain, ...paused)
      .when(complete('a'))
      .thenTold('step.completed a', 'step.scheduled b')
    given(chain, ...paused, complete('a'))
      .when(start('b'))
      .thenRefused('STEP_NOT_READY')
  })

  test('a retry that becomes due while the task is paused is ready and waits', () => {
    const waiting = [submit(), start('a'), fail('a'), order('pause')] as const
    given(chain, ...waiting)
      .when(retryDue('a'))
      .thenTold('step.scheduled a')
    given(chain, ...waiting, retryDue('a'))
      .when(start('a', { attempt: 2, at: 1_000 }))
      .thenRefused('STEP_NOT_READY')
  })

  test('a start time that comes while the task is paused starts nothing', () => {
    const waiting = [submit({ runAt: at(50) }), order('pause')] as const
    given(chain, ...waiting)
      .when(runDue(60))
      .thenTold('step.scheduled a')
    given(chain, ...waiting, runDue(60))
      .when(start('a', { at: 60 }))
      .thenRefused('STEP_NOT_READY')
  })

  test('a running step that fails while the task is paused may block it; it is paused all the same once a person sees to it', () => {
    const paused = [submit(), start('a'), order('pause'), fail('a', permanently)] as const
    expect(taskAfter(chain, ...paused)).toMatchObject({ phase: 'blocked', pace: { type: 'paused' } })
    given(chain, ...paused, byHand('reset_step', 'a'))
      .when(start('a', { attempt: 2 }))
      .thenRefused('STEP_NOT_READY')
  })

  test('pausing twice, or resuming what goes on, is refused', () => {
    given(chain, submit(), order('pause')).when(order('pause')).thenRefused('TASK_ALREADY_PAUSED')
    given(chain, submit()).when(order('resume')).thenRefused('TASK_NOT_PAUSED')
  })

  test('a paused task can be cancelled', () => {
    given(chain, submit(), order('pause'))
      .when(cancel())
      .thenTold('task.cancel_requested', 'step.cancelled a', 'step.cancelled b', 'task.cancelled')
  })
})

describe('retry of a task', () => {
  const both = [submit(), start('a'), fail('a', permanently), start('b'), fail('b', permanently)] as const

  test('every failed step is reset and ready, and the task goes on', () => {
    given(diamond, ...both)
      .when(order('retry', { reason: 'gateway back', by: 'ops@x' }))
      .then(
        { type: 'task.retried', steps: [a, stepId('b')], reason: 'gateway back', by: 'ops@x' },
        { type: 'step.reset_for_retry', step: a },
        { type: 'step.reset_for_retry', step: stepId('b') },
        { type: 'step.scheduled', step: a, attempt: 2 },
        { type: 'step.scheduled', step: stepId('b'), attempt: 2 },
      )
    expect(taskAfter(diamond, ...both, order('retry'))).toMatchObject({ phase: 'running' })
  })

  test('a task that runs may have failed steps to retry too', () => {
    given(diamond, ...failedA)
      .when(order('retry'))
      .thenTold('task.retried', 'step.reset_for_retry a', 'step.scheduled a')
  })

  test('a task without a failed step has nothing to retry', () => {
    given(diamond, submit()).when(order('retry')).thenRefused('NOTHING_TO_RETRY')
  })
})

describe('reset of a step', () => {
  test('the step has a new budget, and the numbers of its attempts go on', () => {
    const twice = plan(step('a', { retry: { maxAttempts: 2, backoff: 'none' } }))
    const spent = [submit(), start('a'), fail('a'), start('a', { attempt: 2 }), fail('a', undefined, { attempt: 2 })] as const
    expect(taskAfter(twice, ...spent)).toMatchObject({ phase: 'blocked', steps: [{ attempts: 2, attemptsSinceReset: 2 }] })
    given(twice, ...spent)
      .when(byHand('reset_step', 'a', { reason: 'fixed', by: 'ops@x' }))
      .then(
        { type: 'step.reset_for_retry', step: a, reason: 'fixed', by: 'ops@x' },
        { type: 'step.scheduled', step: a, attempt: 3 },
      )
    const again = [...spent, byHand('reset_step', 'a'), start('a', { attempt: 3 }), fail('a', undefined, { attempt: 3 })] as const
    expect(taskAfter(twice, ...again)).toMatchObject({
      phase: 'running',
      steps: [{ status: 'enqueued', attempts: 4, attemptsSinceReset: 1 }],
    })
  })

  test('only a failed step is reset', () => {
    given(chain, submit()).when(byHand('reset_step', 'a')).thenRefused('STEP_NOT_FAILED')
    given(chain, submit()).when(byHand('reset_step', 'nobody')).thenRefused('UNKNOWN_STEP')
  })

  test('the task goes on to its end by itself', () => {
    const task = taskAfter(
      chain,
      ...failedA,
      byHand('reset_step', 'a'),
      start('a', { attempt: 2 }),
      complete('a', '1', { attempt: 2 }),
      start('b'),
      complete('b'),
    )
    expect(task).toMatchObject({ phase: 'completed' })
  })

  test('one of two failed steps is reset: the task runs, and is blocked again by the other', () => {
    const both = [...failedA, start('b'), fail('b', permanently), byHand('reset_step', 'a')] as const
    expect(taskAfter(diamond, ...both)).toMatchObject({ phase: 'running' })
    given(diamond, ...both, start('a', { attempt: 2 }))
      .when(complete('a', '1', { attempt: 2 }))
      .thenTold('step.completed a', 'task.blocked')
  })
})

describe('a step that is resolved by hand', () => {
  test('satisfies what depends on it, out of the block too', () => {
    given(chain, ...failedA)
      .when(byHand('resolve_step', 'a', { reason: 'done by phone', by: 'ops@x' }))
      .then(
        { type: 'step.resolved_manually', step: a, reason: 'done by phone', by: 'ops@x' },
        { type: 'step.scheduled', step: stepId('b'), attempt: 1 },
      )
    expect(taskAfter(chain, ...failedA, byHand('resolve_step', 'a'))).toMatchObject({ phase: 'running' })
  })

  test('a running step is taken from its worker, whose late result is ignored once', () => {
    const taken = [submit(), start('a'), byHand('resolve_step', 'a')] as const
    given(chain, ...taken)
      .when(complete('a'))
      .thenTold('step.result_ignored a')
    given(chain, ...taken, complete('a'))
      .when(complete('a'))
      .thenRefused('LEASE_LOST')
    given(chain, ...taken)
      .when(stop('a'))
      .thenNothingNew()
    given(chain, ...taken)
      .when(timeOut('a'))
      .thenRefused('LEASE_LOST')
  })

  test('an attempt that waited for a worker was never given out', () => {
    expect(taskAfter(chain, submit(), byHand('resolve_step', 'a'))).toMatchObject({ steps: [{ attempts: 0 }, {}] })
    given(chain, submit(), byHand('resolve_step', 'a')).when(start('a')).thenRefused('STEP_NOT_READY')
    given(chain, submit(), byHand('resolve_step', 'a')).when(complete('a')).thenRefused('LEASE_LOST')
  })

  test('a step that waits for others may be resolved ahead; it is not scheduled when they end', () => {
    const ahead = [submit(), byHand('resolve_step', 'b'), start('a')] as const
    given(chain, ...ahead)
      .when(complete('a'))
      .thenTold('step.completed a', 'task.completed')
  })

  test('before the start time it lets those behind it begin when the time comes', () => {
    const waiting = [submit({ runAt: at(50) }), byHand('resolve_step', 'a')] as const
    expect(taskAfter(chain, ...waiting)).toMatchObject({ phase: 'waiting' })
    given(chain, ...waiting)
      .when(runDue(60))
      .thenTold('step.scheduled b')
  })

  test('a task whose steps were all resolved by hand is complete', () => {
    given(chain, submit(), byHand('resolve_step', 'a'))
      .when(byHand('resolve_step', 'b'))
      .thenTold('step.resolved_manually b', 'task.completed')
  })

  test('a step that ended well, or a task that is over, takes no hand', () => {
    given(chain, submit(), start('a'), complete('a')).when(byHand('resolve_step', 'a')).thenRefused('STEP_FINISHED')
    given(chain, submit(), byHand('resolve_step', 'a')).when(byHand('resolve_step', 'a')).thenRefused('STEP_FINISHED')
    given(chain, submit(), cancel()).when(byHand('resolve_step', 'a')).thenRefused('TASK_FINISHED')
    given(chain, submit(), start('a'), cancel()).when(byHand('resolve_step', 'a')).thenRefused('CANCEL_ALREADY_REQUESTED')
  })
})

describe('a step that is completed by hand', () => {
  test('has the result that the person gave, and metadata stays in the event', () => {
    given(chain, ...failedA)
      .when((of) => ({
        ...completeByHand('a', '{"ok":true}', { reason: 'verified' })(of),
        metadata: trustedJson('{"ticket":"T1"}'),
      }))
      .then(
        {
          type: 'step.completed_manually',
          step: a,
          output: trustedJson('{"ok":true}'),
          metadata: trustedJson('{"ticket":"T1"}'),
          reason: 'verified',
        },
        { type: 'step.scheduled', step: stepId('b'), attempt: 1 },
      )
    const task = taskAfter(chain, ...failedA, completeByHand('a', '{"ok":true}'))
    expect(task).toMatchObject({
      phase: 'running',
      steps: [{ status: 'complete', output: '{"ok":true}', worker: undefined }, {}],
    })
  })

  test('a running step is taken from its worker, whose late result is ignored', () => {
    given(chain, submit(), start('a'), completeByHand('a')).when(complete('a')).thenTold('step.result_ignored a')
  })

  test('the last one ends the task', () => {
    given(chain, submit(), start('a'), complete('a'))
      .when(completeByHand('b'))
      .thenTold('step.completed_manually b', 'task.completed')
  })
})

describe('a task that is resolved by hand', () => {
  test('ends as it is: what never ended is cancelled, what failed stays so', () => {
    given(chain, ...failedA)
      .when(order('resolve', { reason: 'obsolete', by: 'ops@x' }))
      .then({ type: 'step.cancelled', step: stepId('b') }, { type: 'task.resolved_manually', reason: 'obsolete', by: 'ops@x' })
    const task = taskAfter(chain, ...failedA, order('resolve', { reason: 'obsolete' }))
    expect(task).toMatchObject({
      phase: 'resolved_manually',
      endedAt: at(0),
      resolvedReason: 'obsolete',
      steps: [{ status: 'error' }, { status: 'cancelled' }],
    })
  })

  test('must be blocked', () => {
    given(chain, submit()).when(order('resolve')).thenRefused('TASK_NOT_BLOCKED')
    given(chain, ...failedA, order('resolve'))
      .when(order('retry'))
      .thenRefused('TASK_FINISHED')
  })
})

describe('a batch that its first failure ended', () => {
  const failFast = plan(
    step('split', { type: 'batchable' }),
    step('part', { after: ['split'], type: 'batch_worker', batch: { failureStrategy: 'fail_fast', parallelism: 1 } }),
    step('sum', { after: ['part'], type: 'deferred_convergence' }),
  )
  const range = (id: string) => ({ id, start: trustedJson('0'), end: trustedJson('1'), size: 1 })
  const over = [
    submit(),
    start('split'),
    choose('split', { type: 'create_batches', ranges: [range('001'), range('002')] }),
    start('part_001'),
    fail('part_001', permanently),
  ] as const

  test('is retried with the workers that were cancelled for it, as far as its parallelism goes', () => {
    expect(taskAfter(failFast, ...over)).toMatchObject({ phase: 'blocked', counts: { error: 1, cancelled: 1 } })
    given(failFast, ...over)
      .when(order('retry'))
      .thenTold('task.retried', 'step.reset_for_retry part_001', 'step.reset_for_retry part_002', 'step.scheduled part_001')
    const again = [...over, order('retry'), start('part_001', { attempt: 2 }), complete('part_001', '1', { attempt: 2 })] as const
    given(failFast, ...again, start('part_002'))
      .when(complete('part_002'))
      .thenTold('step.completed part_002', 'step.scheduled sum')
  })

  test('goes on when a person closes its workers', () => {
    given(failFast, ...over, byHand('resolve_step', 'part_001'))
      .when(byHand('resolve_step', 'part_002'))
      .thenTold('step.resolved_manually part_002', 'step.scheduled sum')
  })
})

test('a decision that is resolved by hand chose nothing, and what waits for its branches goes on', () => {
  const decided = plan(
    step('route', { type: 'decision' }),
    step('fast', { after: ['route'] }),
    step('join', { after: ['fast'], type: 'deferred_convergence' }),
  )
  const task = taskAfter(decided, submit(), byHand('resolve_step', 'route'))
  expect(task.steps.map(({ status }) => status)).toEqual([
    'resolved_manually',
    'not_taken',
    expect.stringMatching(/not_taken|enqueued/u),
  ])
  given(decided, submit()).when(byHand('resolve_step', 'fast')).thenRefused('UNKNOWN_STEP')
})

test('an event of an operator that cannot follow is a bug, and throws', () => {
  const task = taskAfter(chain, submit())
  expect(() => evolve(task, { type: 'step.reset_for_retry', step: a }, at(1), chain)).toThrow(/reset_for_retry of step a/u)
  expect(() => evolve(task, { type: 'task.resolved_manually' }, at(1), chain)).toThrow(/in a task that is running/u)
})
