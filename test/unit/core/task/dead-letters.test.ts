/** Dead letters, as history, order and news. */
import {
  type DeadLetterRow,
  deadLetterRows,
  durationMs,
  INVESTIGATION_BASE,
  instant,
  investigationPriority,
  LIMITS,
  letterId,
  parseTaskId,
  pendingLetter,
  present,
  stepId,
  type TaskCommand,
  trustedJson,
} from '@tasker/core'
import { describe, expect, test } from 'vitest'
import {
  at,
  cancel,
  complete,
  fail,
  failTask,
  failure,
  given,
  type Order,
  permanently,
  plan,
  retryDue,
  start,
  step,
  stop,
  submit,
  taskAfter,
} from '../../../support/given.js'

const ID = present(parseTaskId('01JGFJJZ00AAAAAAAAAAAAAAAA'), 'task id')
const once = plan(step('a', { retry: { maxAttempts: 1 } }), step('b'))
const single = plan(step('a', { retry: { maxAttempts: 1 } }))

const deadLetter =
  (said: { readonly by?: string; readonly notes?: string } = {}, atMs = 0): Order =>
  () => ({ type: 'dead_letter', at: at(atMs), ...said })

type Update = Extract<TaskCommand, { readonly type: 'update_dead_letter' }>

const update =
  (entry: number, said: Partial<Omit<Update, 'type' | 'at' | 'entry'>>, atMs = 0): Order =>
  () => ({ type: 'update_dead_letter', at: at(atMs), entry, ...said })

const unserved =
  (name: string, atMs: number, attempt = 1): Order =>
  () => ({ type: 'report_unserved', at: at(atMs), step: stepId(name), attempt, thresholdMs: durationMs(600_000) })

const lettersOf = (...history: readonly Order[]) => taskAfter(single, ...history).deadLetters.entries
const blocked: readonly Order[] = [submit(), start('a'), fail('a')]

describe('a task that blocks', () => {
  test('is in the dead letters: its attempts are used up', () => {
    expect(lettersOf(...blocked)).toMatchObject([
      { entry: 1, reason: 'max_retries_exceeded', status: 'pending', originalState: 'blocked_by_failures' },
    ])
  })

  test('is there for another reason when no attempt would have helped', () => {
    expect(lettersOf(submit(), start('a'), fail('a', permanently))).toMatchObject([{ reason: 'permanent_failure' }])
  })

  test('is not there before it blocks', () => {
    expect(taskAfter(once, submit(), start('a'), start('b'), fail('a')).deadLetters.entries).toEqual([])
  })

  test('shows how it was', () => {
    const [letter] = lettersOf(submit(), start('a'), fail('a', failure('the gateway is down')))
    expect(letter?.snapshot).toMatchObject({
      counts: { error: 1 },
      steps: [{ step: 'a', status: 'error', attempts: 1, failure: 'the gateway is down' }],
      moreSteps: 0,
    })
  })
})

describe('the end of a task resolves its entry', () => {
  test.each([
    ['cancelled', [...blocked, cancel(undefined, 9)], 'cancelled'],
    ['failed', [...blocked, failTask(9)], 'permanently_failed'],
    ['complete', [submit(), deadLetter(), start('a'), complete('a', '{}', { at: 9 })], 'manually_resolved'],
    ['cancelled after its grace', [submit(), start('a'), deadLetter(), cancel(undefined, 3), stop('a', { at: 9 })], 'cancelled'],
  ])('%s', (_end, history, status) => {
    expect(lettersOf(...history)).toMatchObject([{ status, resolvedAt: at(9), resolvedBy: 'engine' }])
  })
})

describe('a person', () => {
  test('puts a task into the dead letters, and it goes on', () => {
    given(single, submit())
      .when(deadLetter({ by: 'ann', notes: 'look at it' }))
      .then({ type: 'task.dead_lettered', reason: 'manual_dlq', by: 'ann', notes: 'look at it' })
    expect(lettersOf(submit(), deadLetter({ notes: 'look at it' }), start('a'))).toMatchObject([
      { reason: 'manual_dlq', status: 'pending', notes: 'look at it', originalState: 'pending' },
    ])
  })

  test('opens no second entry (L1)', () => {
    given(single, submit(), deadLetter()).when(deadLetter()).thenRefused('DEAD_LETTER_PENDING')
    given(single, ...blocked)
      .when(deadLetter())
      .thenRefused('DEAD_LETTER_PENDING')
    expect(lettersOf(submit(), deadLetter(), start('a'), fail('a'))).toMatchObject([{ reason: 'manual_dlq' }])
  })

  test('writes on an entry and closes it; the task does not change', () => {
    const metadata = trustedJson('{"ticket":"T-1"}')
    given(single, ...blocked)
      .when(update(1, { status: 'permanently_failed', notes: 'lost', by: 'ann', metadata }, 5))
      .then({ type: 'task.dead_letter_updated', entry: 1, status: 'permanently_failed', notes: 'lost', by: 'ann', metadata })
    const task = taskAfter(single, ...blocked, update(1, { status: 'permanently_failed', notes: 'lost', by: 'ann', metadata }, 5))
    expect(task.phase).toBe('blocked')
    expect(task.deadLetters.entries).toMatchObject([
      { status: 'permanently_failed', notes: 'lost', resolvedBy: 'ann', resolvedAt: at(5), metadata },
    ])
  })

  test('keeps what was said before when only one thing is said', () => {
    const entries = lettersOf(...blocked, update(1, { notes: 'first', by: 'ann' }), update(1, { status: 'manually_resolved' }, 7))
    expect(entries).toMatchObject([{ notes: 'first', resolvedBy: 'ann', status: 'manually_resolved', resolvedAt: at(7) }])
    const twice = lettersOf(...blocked, update(1, { status: 'cancelled' }, 7), update(1, { notes: 'later' }, 8))
    expect(twice).toMatchObject([{ status: 'cancelled', resolvedAt: at(7), notes: 'later' }])
  })

  test('takes an entry up again, unless another is pending', () => {
    const closed: readonly Order[] = [submit(), deadLetter(), update(1, { status: 'manually_resolved' }, 1)]
    expect(lettersOf(...closed, update(1, { status: 'pending' }, 2))).toMatchObject([
      { status: 'pending', resolvedAt: undefined },
    ])
    given(single, ...closed, deadLetter())
      .when(update(1, { status: 'pending' }))
      .thenRefused('DEAD_LETTER_PENDING')
  })

  test('is told when there is no such entry, or the task has ended', () => {
    given(single, ...blocked)
      .when(update(2, {}))
      .thenRefused('DEAD_LETTER_NOT_FOUND')
    given(single, ...blocked, failTask())
      .when(update(1, {}))
      .thenRefused('TASK_FINISHED')
    given(single, ...blocked, failTask())
      .when(deadLetter())
      .thenRefused('TASK_FINISHED')
  })
})

describe('a queue that nobody serves', () => {
  test('makes a dead letter of a task whose step has waited for long', () => {
    given(single, submit()).when(unserved('a', 599_999)).thenRefused('NOT_DUE')
    given(single, submit())
      .when(unserved('a', 600_000))
      .then({ type: 'task.dead_lettered', reason: 'worker_unavailable', step: stepId('a'), attempt: 1 })
  })

  test('is a hint that may come twice, late, or beside another entry', () => {
    given(single, submit(), unserved('a', 600_000)).when(unserved('a', 700_000)).thenNothingNew()
    given(single, submit(), deadLetter()).when(unserved('a', 700_000)).thenNothingNew()
    given(single, submit(), start('a')).when(unserved('a', 700_000)).thenRefused('STEP_NOT_READY')
    given(single, submit())
      .when(unserved('a', 700_000, 2))
      .thenRefused('STEP_NOT_READY')
    given(single, submit()).when(unserved('x', 700_000)).thenRefused('UNKNOWN_STEP')
  })

  test('is resolved by the start of the step, and by nothing that happens beside it (L2)', () => {
    const told: readonly Order[] = [submit(), unserved('a', 600_000)]
    expect(taskAfter(once, ...told, start('b', { at: 600_001 })).deadLetters.entries).toMatchObject([{ status: 'pending' }])
    expect(taskAfter(once, ...told, start('a', { at: 600_009 })).deadLetters.entries).toMatchObject([
      { status: 'manually_resolved', resolvedAt: at(600_009), resolvedBy: 'engine' },
    ])
  })
})

describe('rows', () => {
  const rows = (...history: readonly Order[]): readonly DeadLetterRow[] => deadLetterRows(ID, taskAfter(single, ...history))

  test('a task that never needed anybody has none', () => {
    expect(rows(submit(), start('a'), complete('a'))).toEqual([])
  })

  test('an entry is a row with the task as it was', () => {
    const [row] = rows(...blocked, update(1, { notes: 'n', by: 'ann' }))
    expect(row).toMatchObject({
      taskId: ID,
      entry: 1,
      namespace: 'shop',
      name: 'order',
      version: '1.0.0',
      reason: 'max_retries_exceeded',
      status: 'pending',
      originalState: 'blocked_by_failures',
      step: 'a',
      notes: 'n',
      resolvedBy: 'ann',
    })
    expect(JSON.parse(present(row, 'a row').snapshot)).toMatchObject({
      status: 'blocked_by_failures',
      step_counts: { error: 1 },
      steps: [{ step_id: 'a', status: 'error', attempts: 1, last_failure: 'it broke' }],
    })
    expect(letterId(ID, 1)).toBe(`${ID}-1`)
  })

  test('the oldest entries of a task go when it has too many', () => {
    const many = Array.from({ length: LIMITS.deadLettersKeptMax + 2 }, (_, index): readonly Order[] => [
      deadLetter({}, index),
      update(index + 1, { status: 'cancelled' }, index),
    ]).flat()
    const kept = rows(submit(), ...many)
    expect(kept).toHaveLength(LIMITS.deadLettersKeptMax)
    expect(kept.map(({ entry }) => entry).slice(0, 2)).toEqual([3, 4])
  })
})

test('the urgency of an entry is that of its reason, and one for each minute', () => {
  expect(INVESTIGATION_BASE).toMatchObject({
    dependency_cycle_detected: 1_000,
    max_retries_exceeded: 500,
    staleness_timeout: 100,
    worker_unavailable: 50,
    manual_dlq: 10,
  })
  expect(investigationPriority('staleness_timeout', instant(0), instant(90_000))).toBe(101.5)
})

test('a task that blocks again after a person helped gets the next entry', () => {
  const twice = plan(step('a', { retry: { maxAttempts: 2, jitter: 0 } }))
  const task = taskAfter(
    twice,
    submit(),
    deadLetter(),
    update(1, { status: 'manually_resolved' }),
    start('a'),
    fail('a'),
    retryDue('a'),
    start('a', { attempt: 2, at: 1_000 }),
    fail('a', failure(), { attempt: 2, at: 1_000 }),
  )
  expect(task.deadLetters.entries.map(({ entry, reason }) => `${entry} ${reason}`)).toEqual([
    '1 manual_dlq',
    '2 max_retries_exceeded',
  ])
  expect(pendingLetter(task.deadLetters)?.entry).toBe(2)
})
