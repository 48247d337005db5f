/** Conditions, joins and failures that a task goes on after, as history, order and news. */
import { durationMs, stepId, taskResult, taskStatus } from '@tasker/core'
import { describe, expect, test } from 'vitest'
import {
  at,
  cancel,
  complete,
  expression,
  fail,
  failure,
  given,
  permanently,
  plan,
  runDue,
  start,
  step,
  submit,
  taskAfter,
  type Order,
  type StepOptions,
} from '../../../support/given.js'

const when = (text: string, after: readonly string[] = []): StepOptions => ({ after, more: { when: expression(text) } })
const going = (after: readonly string[] = []): StepOptions => ({ after, more: { onFailure: 'continue' } })
const joined = (join: number, after: readonly string[], cancelRemaining = false): StepOptions => ({
  after,
  more: { join, cancelRemaining },
})
const done = (name: string, output = '{}'): readonly Order[] => [start(name), complete(name, output)]

describe('a condition', () => {
  const chain = plan(step('a'), step('b', when('deps.a.total > 100', ['a'])), step('c', { after: ['b'] }))

  test('that is true lets the step run', () => {
    given(chain, submit(), start('a')).when(complete('a', '{"total":120}')).thenTold('step.completed a', 'step.scheduled b')
  })

  test('that is false skips the step in the same commit, and who waits for it goes on', () => {
    given(chain, submit(), start('a'))
      .when(complete('a', '{"total":20}'))
      .thenTold('step.completed a', 'step.skipped b', 'step.scheduled c')
  })

  test('of a first step is answered when the task is submitted', () => {
    given(plan(step('a', when('context.order == 2')), step('b', { after: ['a'] })))
      .when(submit())
      .thenTold('task.submitted', 'steps.created', 'step.skipped a', 'step.scheduled b')
  })

  test('is answered when the start time has come, not before', () => {
    const later = plan(step('a', when('context.order == 2')), step('b', { after: ['a'] }))
    given(later)
      .when(submit({ runAt: at(5) }))
      .thenTold('task.submitted', 'steps.created')
    given(later, submit({ runAt: at(5) }))
      .when(runDue(5))
      .thenTold('step.skipped a', 'step.scheduled b')
  })

  test('that skips all that is left completes the task', () => {
    given(plan(step('a', when('false')), step('b', when('false', ['a']))))
      .when(submit())
      .thenTold('task.submitted', 'steps.created', 'step.skipped a', 'step.skipped b', 'task.completed')
  })

  test('reads null for a step that was skipped', () => {
    const skipped = plan(step('a', when('false')), step('b', when('deps.a == null', ['a'])))
    given(skipped).when(submit()).thenTold('task.submitted', 'steps.created', 'step.skipped a', 'step.scheduled b')
  })

  test('without a value fails the step for good, and no attempt is counted', () => {
    const task = taskAfter(chain, submit(), ...done('a', '{}'))
    expect(task).toMatchObject({
      phase: 'blocked',
      steps: [{}, { status: 'error', attempts: 0, lastFailure: { code: 'CONDITION_FAILED', retryable: false } }, {}],
    })
    expect(task.steps[1]?.lastFailure?.message).toContain('there is no deps.a.total')
  })

  test('without a value at the start time blocks the task', () => {
    const broken = plan(step('a', when('context.none')))
    given(broken, submit({ runAt: at(5) }))
      .when(runDue(5))
      .thenTold('step.failed a', 'task.blocked')
  })

  test('is not asked again by a retry', () => {
    const retried = plan(step('a', { retry: { baseMs: durationMs(0), backoff: 'none' }, more: { when: expression('true') } }))
    given(retried, submit(), start('a')).when(fail('a')).thenTold('step.failed a', 'step.retry_scheduled a', 'step.scheduled a')
  })
})

describe('a failure that the task goes on after', () => {
  const pair = plan(step('a', going()), step('b', { after: ['a'] }))

  test('lets who waits for the step run, and the task may end complete', () => {
    given(pair, submit(), start('a')).when(fail('a', permanently)).thenTold('step.failed a', 'step.scheduled b')
    const ended = taskAfter(pair, submit(), start('a'), fail('a', permanently), ...done('b', '1'))
    expect([ended.phase, ended.steps[0]?.status, taskResult(ended)]).toEqual(['completed', 'error', '{"b":1}'])
  })

  test('of the last step completes the task', () => {
    given(plan(step('a', going())), submit(), start('a'))
      .when(fail('a', permanently))
      .thenTold('step.failed a', 'task.completed')
  })

  test('is retried first, as the policy says', () => {
    given(pair, submit(), start('a')).when(fail('a', failure())).thenTold('step.failed a', 'step.retry_scheduled a')
  })

  test('is null in a condition behind it', () => {
    const behind = plan(step('a', going()), step('b', when('deps.a == null', ['a'])))
    given(behind, submit(), start('a')).when(fail('a', permanently)).thenTold('step.failed a', 'step.scheduled b')
  })

  test('does not hide one that blocks', () => {
    const both = plan(step('a', going()), step('b'), step('c', { after: ['b'] }))
    given(both, submit(), start('a'), fail('a', permanently), start('b'))
      .when(fail('b', permanently))
      .then(
        { type: 'step.failed', step: stepId('b'), attempt: 1, failure: permanently, permanent: true },
        { type: 'task.blocked', steps: [stepId('b')] },
      )
  })

  test('of a condition without a value counts too', () => {
    const broken = plan(
      step('a', { more: { when: expression('context.none'), onFailure: 'continue' } }),
      step('b', { after: ['a'] }),
    )
    given(broken).when(submit()).thenTold('task.submitted', 'steps.created', 'step.failed a', 'step.scheduled b')
  })
})

test('a permanent failure blocks only what depends on it: the rest runs to its end, then the task waits for a person', () => {
  const branches = plan(step('a'), step('b', { after: ['a'] }), step('c'), step('d', { after: ['c'] }))
  const failed = [submit(), start('a'), fail('a', permanently)]
  expect(taskStatus(taskAfter(branches, ...failed))).toBe('steps_in_process')
  given(branches, ...failed, start('c'))
    .when(complete('c'))
    .thenTold('step.completed c', 'step.scheduled d')
  given(branches, ...failed, ...done('c'), start('d'))
    .when(complete('d'))
    .thenTold('step.completed d', 'task.blocked')
})

describe('a join', () => {
  const any = plan(step('a'), step('b'), step('c', joined(1, ['a', 'b'])))
  const two = plan(step('a'), step('b'), step('c'), step('d', joined(2, ['a', 'b', 'c'])))

  test('of any runs with the first', () => {
    given(any, submit(), start('b')).when(complete('b')).thenTold('step.completed b', 'step.scheduled c')
  })

  test('runs once, whatever comes after', () => {
    given(any, submit(), ...done('b'), start('a'))
      .when(complete('a'))
      .thenTold('step.completed a')
  })

  test('of two runs with the second', () => {
    given(two, submit(), start('b')).when(complete('b')).thenTold('step.completed b')
    given(two, submit(), ...done('b'), start('c'))
      .when(complete('c'))
      .thenTold('step.completed c', 'step.scheduled d')
  })

  test('waits for the rest of its dependencies before the task ends', () => {
    given(any, submit(), ...done('b'), start('c'))
      .when(complete('c'))
      .thenTold('step.completed c')
    given(any, submit(), ...done('b'), ...done('c'), start('a'))
      .when(complete('a'))
      .thenTold('step.completed a', 'task.completed')
  })

  test('does not count what failed, even where the task goes on after it', () => {
    const lenient = plan(step('a', going()), step('b'), step('c', joined(1, ['a', 'b'])))
    given(lenient, submit(), start('a')).when(fail('a', permanently)).thenTold('step.failed a')
    given(lenient, submit(), start('a'), fail('a', permanently), start('b'))
      .when(complete('b'))
      .thenTold('step.completed b', 'step.scheduled c')
  })

  test('that too few satisfied blocks the task, and the failed steps say why', () => {
    const lenient = plan(step('a', going()), step('b', going()), step('c', joined(1, ['a', 'b'])))
    given(lenient, submit(), start('a'), fail('a', permanently), start('b'))
      .when(fail('b', permanently))
      .thenTold('step.failed b', 'task.blocked')
  })

  test('counts a skipped step', () => {
    const skipping = plan(step('a', when('false')), step('b'), step('c', joined(1, ['a', 'b'])))
    given(skipping)
      .when(submit())
      .thenTold('task.submitted', 'steps.created', 'step.skipped a', 'step.scheduled b', 'step.scheduled c')
  })
})

describe('a join that lets go of the rest', () => {
  const race = plan(step('a'), step('b'), step('c', joined(1, ['a', 'b'], true)))

  test('cancels what runs and what waits for a worker, and the task may end complete', () => {
    given(race, submit(), start('a'), start('b'))
      .when(complete('b'))
      .thenTold('step.completed b', 'step.scheduled c', 'step.cancelled a')
    given(race, submit(), ...done('b'), start('c'))
      .when(complete('c'))
      .thenTold('step.completed c', 'task.completed')
  })

  test('records the late result of a cancelled step as ignored', () => {
    given(race, submit(), start('a'), ...done('b'))
      .when(complete('a'))
      .thenTold('step.result_ignored a')
  })

  test('keeps what another step waits for', () => {
    const shared = plan(step('a'), step('b'), step('c', joined(1, ['a', 'b'], true)), step('d', { after: ['a'] }))
    given(shared, submit(), start('a'), start('b')).when(complete('b')).thenTold('step.completed b', 'step.scheduled c')
  })

  test('lets go of what only the cancelled step waited for', () => {
    const deep = plan(step('root'), step('a', { after: ['root'] }), step('b'), step('c', joined(1, ['a', 'b'], true)))
    given(deep, submit(), start('root'), start('b'))
      .when(complete('b'))
      .thenTold('step.completed b', 'step.scheduled c', 'step.cancelled a', 'step.cancelled root')
  })

  test('lets go also when it is skipped itself', () => {
    const skipped = plan(
      step('a'),
      step('b'),
      step('c', { after: ['a', 'b'], more: { join: 1, cancelRemaining: true, when: expression('false') } }),
    )
    given(skipped, submit(), start('a'))
      .when(complete('a'))
      .thenTold('step.completed a', 'step.skipped c', 'step.cancelled b', 'task.completed')
  })

  test('changes nothing about cancelling the task', () => {
    expect(taskAfter(race, submit(), start('a'), ...done('b'), start('c'), cancel())).toMatchObject({ phase: 'cancelling' })
  })
})
