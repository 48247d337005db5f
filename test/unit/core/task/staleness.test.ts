/** Waits with a limit, as history, order and news. */
import {
  durationMs,
  instant,
  type Lifecycle,
  NO_LIFECYCLE,
  planUnder,
  staleAt,
  stalenessOf,
  stepId,
  type StepId,
  type Instant,
  trustedJson,
  type WatchedState,
} from '@tasker/core'
import { describe, expect, test } from 'vitest'
import {
  at,
  checkpoint,
  choose,
  complete,
  fail,
  given,
  type Order,
  permanently,
  plan,
  planWith,
  order,
  retryDue,
  start,
  step,
  submit,
  taskAfter,
  timeOut,
} from '../../../support/given.js'

const MINUTE = 60_000
const minutes = (count: number): number => count * MINUTE

const lifecycle = (thresholds: { readonly [State in WatchedState]?: number }, more: Partial<Lifecycle> = {}): Lifecycle => ({
  ...NO_LIFECYCLE,
  thresholdsMs: Object.fromEntries(Object.entries(thresholds).map(([state, count]) => [state, durationMs(minutes(count))])),
  ...more,
})

const staleDue =
  (atMs: number, heard: readonly (readonly [string, number])[] = []): Order =>
  () => ({
    type: 'staleness_due',
    at: at(atMs),
    heard: new Map(heard.map(([name, ms]): [StepId, Instant] => [stepId(name), at(ms)])),
  })

const slow = {
  timeoutMs: minutes(600),
  retry: { maxAttempts: 3, baseMs: durationMs(minutes(50)), maxDelayMs: durationMs(minutes(50)), jitter: 0 },
}
const a = step('a', slow)
const tens = lifecycle({ steps_in_process: 10, waiting_for_retry: 10 })
const watched = planWith(tens, a, step('b', { ...slow, after: ['a'] }))
const running: readonly Order[] = [submit(), start('a')]

describe('a task that stays as it is', () => {
  test('goes stale when its threshold is over, not before, and gets a dead letter', () => {
    given(watched, ...running)
      .when(staleDue(minutes(10) - 1))
      .thenRefused('NOT_DUE')
    given(watched, ...running)
      .when(staleDue(minutes(10)))
      .then({
        type: 'task.went_stale',
        state: 'steps_in_process',
        since: at(0),
        thresholdMs: durationMs(minutes(10)),
        deadLetter: true,
      })
    expect(taskAfter(watched, ...running, staleDue(minutes(10))).deadLetters.entries).toMatchObject([
      { entry: 1, reason: 'staleness_timeout', status: 'pending', originalState: 'steps_in_process', openedAt: at(minutes(10)) },
    ])
  })

  test('is told of once', () => {
    given(watched, ...running, staleDue(minutes(10)))
      .when(staleDue(minutes(90)))
      .thenRefused('NOT_DUE')
  })

  test('is not stale while steps move, and may go stale again later (S1)', () => {
    const moved = [...running, complete('a', '{}', { at: minutes(9) }), start('b', { at: minutes(9) })]
    given(watched, ...moved)
      .when(staleDue(minutes(11)))
      .thenRefused('NOT_DUE')
    given(watched, ...moved)
      .when(staleDue(minutes(19)))
      .thenTold('task.went_stale')
  })

  test('is not stale while the handler of a running step is heard (S1)', () => {
    given(watched, ...running)
      .when(staleDue(minutes(15), [['a', minutes(14)]]))
      .thenRefused('NOT_DUE')
    given(watched, ...running)
      .when(staleDue(minutes(24), [['a', minutes(14)]]))
      .thenTold('task.went_stale')
  })

  test('is not stale while a batch keeps saving how far it came (S1)', () => {
    const batches = planWith(
      tens,
      step('plan', { type: 'batchable' }),
      step('work', { ...slow, type: 'batch_worker', after: ['plan'], batch: {} }),
    )
    const ranges = [{ id: '', start: trustedJson('0'), end: trustedJson('9'), size: 9 }]
    const chosen = choose('plan', { type: 'create_batches', ranges })
    const begun: readonly Order[] = [submit(), start('plan'), chosen, start('work_001')]
    const saving = [...begun, checkpoint('work_001', 1, {}, { at: minutes(9) })]
    given(batches, ...begun)
      .when(staleDue(minutes(10)))
      .thenTold('task.went_stale')
    given(batches, ...saving)
      .when(staleDue(minutes(18)))
      .thenRefused('NOT_DUE')
    given(batches, ...saving)
      .when(staleDue(minutes(19)))
      .thenTold('task.went_stale')
  })

  test('counts a step that waits for a worker where the template says how long', () => {
    given(watched, submit())
      .when(staleDue(minutes(10)))
      .thenTold('task.went_stale')
    given(plan(a), submit())
      .when(staleDue(minutes(500)))
      .thenRefused('NOT_DUE')
  })

  test('goes stale while it waits for a retry', () => {
    const waiting = [...running, fail('a', undefined, { at: 5 })]
    given(watched, ...waiting)
      .when(staleDue(minutes(10) + 4))
      .thenRefused('NOT_DUE')
    given(watched, ...waiting)
      .when(staleDue(minutes(10) + 5))
      .thenTold('task.went_stale')
  })

  test('is left alone when it waits for its time, ends or is being cancelled', () => {
    given(watched, submit({ runAt: at(minutes(99)) }))
      .when(staleDue(minutes(50)))
      .thenRefused('NOT_DUE')
    const done = [...running, complete('a'), start('b'), complete('b')]
    given(watched, ...done)
      .when(staleDue(minutes(50)))
      .thenRefused('TASK_FINISHED')
  })
})

describe('what follows', () => {
  test('error: whatever is open ends, and the task fails', () => {
    const failing = planWith({ ...tens, stalenessAction: 'error' }, a, step('b', { after: ['a'] }))
    given(failing, ...running)
      .when(staleDue(minutes(10)))
      .thenTold('task.went_stale', 'step.cancelled a', 'step.cancelled b', 'task.failed')
    const task = taskAfter(failing, ...running, staleDue(minutes(10)))
    expect(task.failed).toMatchObject({
      code: 'TASK_WENT_STALE',
      message: 'The task stayed in steps_in_process for longer than 10 minutes.',
    })
    expect(task.deadLetters.entries).toEqual([])
  })

  test('none: nothing, ever', () => {
    const quiet = planWith({ ...tens, stalenessAction: 'none' }, a)
    given(quiet, ...running)
      .when(staleDue(minutes(99)))
      .thenRefused('NOT_DUE')
    expect(staleAt(taskAfter(quiet, ...running))).toBeUndefined()
  })

  test('over the whole duration the two flags say it, each for itself', () => {
    const whole = (more: Partial<Lifecycle>) => planWith(lifecycle({ duration: 60 }, more), a)
    const moving = [...running, fail('a', undefined, { at: minutes(59) })]
    given(whole({}), ...moving)
      .when(staleDue(minutes(60)))
      .thenTold('task.went_stale')
    given(whole({ autoFailOnTimeout: true }), ...moving)
      .when(staleDue(minutes(60)))
      .thenTold('task.went_stale', 'step.cancelled a', 'task.failed')
    given(whole({ autoFailOnTimeout: false, autoDlqOnTimeout: false }), ...moving)
      .when(staleDue(minutes(60)))
      .thenRefused('NOT_DUE')
    const both = whole({ autoFailOnTimeout: true, autoDlqOnTimeout: true })
    expect(taskAfter(both, ...moving, staleDue(minutes(60))).deadLetters.entries).toMatchObject([
      { reason: 'staleness_timeout', status: 'permanently_failed', resolvedBy: 'engine' },
    ])
  })

  test('a blocked task waits for a person as long as its lifecycle gives, then it fails', () => {
    const patient = planWith(lifecycle({ blocked_by_failures: 30 }), a)
    const blocked = [...running, fail('a', permanently, { at: 1_000 })]
    given(patient, ...blocked)
      .when(staleDue(minutes(30)))
      .thenRefused('NOT_DUE')
    given(patient, ...blocked)
      .when(staleDue(minutes(30) + 1_000))
      .thenTold('task.went_stale', 'task.failed')
    expect(taskAfter(patient, ...blocked, staleDue(minutes(31))).deadLetters.entries).toMatchObject([
      { reason: 'permanent_failure', status: 'permanently_failed' },
    ])
    given(plan(a), ...blocked)
      .when(staleDue(minutes(1_000_000)))
      .thenRefused('NOT_DUE')
  })

  test('a step has thresholds of its own, and its own action before that of the template', () => {
    const own = planWith(
      { ...NO_LIFECYCLE, stalenessAction: 'error' },
      step('a', { ...slow, lifecycle: lifecycle({ steps_in_process: 2 }, { stalenessAction: 'dlq' }) }),
    )
    given(own, ...running)
      .when(staleDue(minutes(2)))
      .then({
        type: 'task.went_stale',
        state: 'steps_in_process',
        step: stepId('a'),
        since: at(0),
        thresholdMs: durationMs(minutes(2)),
        deadLetter: true,
      })
  })
})

describe('template before setting before default', () => {
  const settings = lifecycle({ steps_in_process: 20 }, { stalenessAction: 'error' })

  test('the default is half an hour for steps that run', () => {
    given(plan(a), ...running)
      .when(staleDue(minutes(30) - 1))
      .thenRefused('NOT_DUE')
    given(plan(a), ...running)
      .when(staleDue(minutes(30)))
      .thenTold('task.went_stale')
  })

  test('a setting goes before the default', () => {
    given(planUnder(plan(a), settings), ...running)
      .when(staleDue(minutes(20)))
      .thenTold('task.went_stale', 'step.cancelled a', 'task.failed')
  })

  test('the template goes before the setting, field by field', () => {
    given(planUnder(planWith(lifecycle({ steps_in_process: 40 }), a), settings), ...running)
      .when(staleDue(minutes(39)))
      .thenRefused('NOT_DUE')
    given(planUnder(planWith({ ...NO_LIFECYCLE, stalenessAction: 'dlq' }, a), settings), ...running)
      .when(staleDue(minutes(20)))
      .thenTold('task.went_stale')
  })
})

describe('the timer of a task', () => {
  test('is due at the earliest end of its waits', () => {
    const several = planWith(lifecycle({ steps_in_process: 10, duration: 60 }), a)
    expect(staleAt(taskAfter(several, ...running))).toBe(at(minutes(10)))
    expect(staleAt(taskAfter(several, ...running, staleDue(minutes(10))))).toBe(at(minutes(60)))
  })

  test('is not there for a plain template: timeouts and retries come before its default thresholds', () => {
    const plain = plan(step('a', { retry: { jitter: 0 } }), step('b'))
    expect(staleAt(taskAfter(plain, submit()))).toBeUndefined()
    expect(staleAt(taskAfter(plain, ...running))).toBeUndefined()
    expect(staleAt(taskAfter(plan(step('a')), ...running, fail('a')))).toBeUndefined()
    expect(staleAt(taskAfter(plan(step('a')), ...running, fail('a', permanently)))).toBeUndefined()
  })

  test('is there where a timeout or a retry is further away than the default', () => {
    expect(staleAt(taskAfter(plan(a), ...running))).toBe(at(minutes(30)))
    expect(staleAt(taskAfter(plan(a), ...running, fail('a')))).toBe(at(minutes(30)))
  })
})

describe('monitoring', () => {
  const task = taskAfter(watched, ...running)
  const healthAt = (count: number, heard: ReadonlyMap<StepId, Instant> = new Map()) =>
    stalenessOf(task, at(minutes(count)), heard)

  test('bands lie at 80 and 100 percent of the threshold', () => {
    expect(healthAt(7.9)).toMatchObject({ state: 'steps_in_process', health: 'healthy' })
    expect(healthAt(8)).toMatchObject({ percent: 80, health: 'warning', thresholdMs: minutes(10) })
    expect(healthAt(10)).toMatchObject({ percent: 100, health: 'stale', since: at(0) })
    expect(healthAt(10, new Map([[stepId('a'), at(minutes(9))]]))).toMatchObject({ percent: 10, health: 'healthy' })
  })

  test('a task that nothing watches is healthy', () => {
    expect(stalenessOf(taskAfter(plan(step('a')), submit()), instant(at(minutes(1_000))), new Map())).toMatchObject({
      state: undefined,
      health: 'healthy',
      thresholdMs: undefined,
    })
  })
})

test('what moves a stale task resolves its entry (L2)', () => {
  const stale = [...running, staleDue(minutes(10))]
  const later = { at: minutes(12) }
  const ways: readonly (readonly Order[])[] = [
    [complete('a', '{}', later)],
    [fail('a', undefined, later)],
    [timeOut('a', { at: minutes(600) })],
    [fail('a', undefined, later), retryDue('a', { at: minutes(70) })],
  ]
  for (const way of ways)
    expect(taskAfter(watched, ...stale, ...way).deadLetters.entries).toMatchObject([
      { status: 'manually_resolved', resolvedBy: 'engine' },
    ])
})

describe('a paused task', () => {
  test('is not watched, and its wait begins anew when it is resumed (S3)', () => {
    const paused = taskAfter(watched, ...running, order('pause', { at: minutes(5) }))
    expect(staleAt(paused)).toBeUndefined()
    const resumed = taskAfter(watched, ...running, order('pause', { at: minutes(5) }), order('resume', { at: minutes(60) }))
    expect(staleAt(resumed)).toBe(at(minutes(70)))
  })
})
