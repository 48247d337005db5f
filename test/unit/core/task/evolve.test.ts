/** Evolve against the table of transitions: each declared change happens, no other does. */
import {
  BugError,
  NO_TASK,
  PHASE_TRANSITIONS,
  STEP_TRANSITIONS,
  decide,
  durationMs,
  evolve,
  stepId,
  trustedJson,
  workerId,
  type LiveTask,
  type Plan,
  type StepState,
  type StepStatus,
  type TaskEvent,
  type TaskPhase,
  type TaskState,
} from '@tasker/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  answer,
  at,
  applied,
  byHand,
  completeByHand,
  order,
  type Order,
  cancel,
  child,
  childOver,
  choose,
  complete,
  call,
  continueAs,
  diverge,
  effect,
  functionPlan,
  record,
  runDue,
  signal,
  sleepUntil,
  suspend,
  timerDue,
  expression,
  fail,
  failTask,
  failure,
  permanently,
  plan,
  release,
  retryDue,
  start,
  stateAfter,
  step,
  submit,
  taskAfter,
  timeOut,
  update,
} from '../../../support/given.js'
import { arbitraryRun, play } from './random-run.js'

/** What a run of a durable function hands in begins its time anew. */
const RENEWS = /^(effect\.recorded|timer\.|function\.continued|child\.started|update\.answered)/

const RUNS = 12_000
const SEED = 20_260_101

const declared = (table: { readonly [event: string]: { readonly [from: string]: readonly string[] } }): readonly string[] =>
  Object.entries(table)
    .flatMap(([event, changes]) =>
      Object.entries(changes).flatMap(([from, to]) => to.map((status) => `${event}: ${from} to ${status}`)),
    )
    .sort()

/** A batch that its first failure ends: chance finds its way there too seldom. */
const failFast = plan(
  step('split', { type: 'batchable' }),
  step('part', { after: ['split'], type: 'batch_worker', batch: { failureStrategy: 'fail_fast' } }),
)
const zeroToOne = { start: trustedJson('0'), end: trustedJson('1'), size: 1 }
const TWO_BATCHES = {
  type: 'create_batches',
  ranges: [
    { ...zeroToOne, id: '001' },
    { ...zeroToOne, id: '002' },
  ],
} as const

const wayBack = {
  compensate: { handler: step('undo').handler, retry: step('undo').retry, timeoutMs: durationMs(60_000), keys: [] },
}

/** What is taken back here is so at the same time. */
const sideBySide = plan(
  step('a', { more: wayBack }),
  step('b', { more: wayBack }),
  step('c', { after: ['a', 'b'], more: { onFailure: 'compensate' } }),
)

/** Steps whose waits have a limit. */
const bounded = plan(step('a', { more: { scheduleToCloseMs: durationMs(5_000) } }))

/** What failed is reset together, and then one waits for the other. */
const goesOn = plan(step('a', { more: { onFailure: 'continue' } }), step('b', { after: ['a'] }))

type Note = (before: TaskState, event: TaskEvent, after: LiveTask) => void

const told = (note: Note, of: Plan, ...orders: readonly Order[]): void => {
  let state: TaskState = NO_TASK
  for (const order of orders) {
    const command = order(of)
    const decision = decide(state, command)
    if (decision.type === 'refused') throw new Error(decision.refusal.message)
    for (const event of decision.events) {
      const after = evolve(state, event, command.at, of)
      if (after.type === 'task') note(state, event, after)
      state = after
    }
  }
}

/** Every change that `RUNS` random tasks went through, and a few told ones. */
const exercised = (() => {
  const steps = new Set<string>()
  const phases = new Set<string>()
  const others: string[] = []
  const note: Note = (before, event, after) => {
    phases.add(`${event.type}: ${before.type === 'task' ? before.phase : before.type} to ${after.phase}`)
    const changed =
      event.type.startsWith('step.') && 'step' in event ? (after.graph.indexOf.get(event.step ?? stepId('')) ?? -1) : -1
    after.steps.forEach((step, index) => {
      const from = before.type === 'task' ? before.steps[index] : undefined
      if (from === undefined || event.type === 'steps.created') return
      if (index === changed) steps.add(`${event.type}: ${from.status} to ${step.status}`)
      // What a durable function hands in begins the time of its run anew.
      else if (from !== step && !RENEWS.test(event.type)) others.push(`${event.type} changed another step`)
    })
  }
  for (const run of fc.sample(arbitraryRun, { numRuns: RUNS, seed: SEED })) play(run, { onEvent: note })
  for (const hand of [byHand('reset_step', 'part_002'), byHand('resolve_step', 'part_002'), completeByHand('part_002')]) {
    told(
      note,
      failFast,
      submit(),
      start('split'),
      choose('split', TWO_BATCHES),
      start('part_001'),
      fail('part_001', permanently),
      hand,
    )
  }
  const undoFails = [submit(), start('a'), complete('a'), start('b'), complete('b'), start('c'), fail('c', permanently)]
  const undoA = [...undoFails, start('a', { attempt: 2 })]
  told(note, sideBySide, ...undoA, fail('a', failure(), { attempt: 2 }), completeByHand('a'))
  told(note, sideBySide, ...undoA, fail('a', permanently, { attempt: 2 }), order('retry'))
  told(note, bounded, submit(), timeOut('a', {}, 'schedule_to_close'))
  told(note, bounded, submit(), start('a'), fail('a'), timeOut('a', {}, 'schedule_to_close'))
  const asleep = [submit(), start('run'), record([effect('a'), sleepUntil('sleep', 5_000)]), suspend(2)]
  const cleaning = [...asleep, cancel(), start('run', { attempt: 2 })]
  const more = [sleepUntil('more', 9_000), sleepUntil('other', 9_000), { type: 'cancel', key: 'other' }] as const
  const again = { attempt: 2 } as const
  told(
    note,
    functionPlan,
    submit({ runAt: at(1_000) }),
    signal('early'),
    runDue(1_000),
    start('run'),
    record([...more]),
    continueAs('{}'),
    record([...more]),
    signal('cancel'),
    timerDue('more', 9_000),
    diverge(),
  )
  told(
    note,
    functionPlan,
    ...cleaning,
    record([effect('b'), ...more, call('refund')], again),
    signal('late'),
    timerDue('more', 9_000),
    suspend(10, again),
  )
  told(
    note,
    functionPlan,
    ...cleaning,
    fail('run', failure(), again),
    retryDue('run', { attempt: 3 }),
    start('run', { attempt: 3 }),
  )
  told(note, functionPlan, ...cleaning, diverge(again))
  told(note, functionPlan, submit(), start('run'), record([child('one')]), childOver('one'))
  told(note, functionPlan, ...cleaning, record([child('one')], again), childOver('one'))
  told(note, functionPlan, ...asleep, complete('run'))
  told(note, functionPlan, submit({ runAt: at(1_000) }), update('early'), runDue(1_000), start('run'), record([answer('early')]))
  told(note, functionPlan, ...cleaning, update('late'), record([answer('late')], again))
  told(note, functionPlan, submit(), start('run'), update('now'))
  told(
    note,
    goesOn,
    submit(),
    start('a'),
    fail('a', permanently),
    start('b'),
    fail('b', permanently),
    order('retry'),
    complete('b'),
  )
  return { steps: [...steps].sort(), phases: [...phases].sort(), others }
})()

test('each declared change of a step happens in some task, and no other change does', () => {
  expect(exercised.steps).toEqual(declared(STEP_TRANSITIONS))
})

test('each declared change of a phase happens in some task, and no other change does', () => {
  expect(exercised.phases).toEqual(declared(PHASE_TRANSITIONS))
})

test('an event about one step changes no other', () => {
  expect(exercised.others).toEqual([])
})

const a = stepId('a')
const worker = workerId('w1')

/** As the pair below, but step `a` has a condition that is false. */
const unwanted = plan(step('root'), step('a', { after: ['root'], more: { when: expression('false') } }), step('b'))

/** Step `a` is taken back, and `root` is being taken back. */
const undoing = plan(
  step('root', { more: wayBack }),
  step('a', { after: ['root'], more: wayBack }),
  step('b', { more: { onFailure: 'compensate' } }),
)
const takenBack = taskAfter(
  undoing,
  submit(),
  start('b'),
  start('root'),
  complete('root'),
  start('a'),
  complete('a'),
  fail('b', permanently),
  start('a', { attempt: 2 }),
  complete('a', '1', { attempt: 2 }),
)

/** A task of which step `a` is in a status; step `b` runs, so that the task is open. */
const withStepIn = (status: StepStatus): LiveTask => {
  const pair = plan(step('root'), step('a', { after: ['root'] }), step('b'))
  const begun = [submit(), start('b'), start('root')]
  const ready = [...begun, complete('root')]
  const fork = plan(
    step('root'),
    step('a', { after: ['choose'] }),
    step('b'),
    step('choose', { after: ['root'], type: 'decision' }),
  )
  const forked = [fork, ...ready] as const
  switch (status) {
    case 'uncreated':
      return taskAfter(...forked)
    case 'not_taken':
      return taskAfter(...forked, start('choose'), choose('choose', { type: 'no_branches' }))
    case 'pending':
      return taskAfter(pair, ...begun)
    case 'enqueued':
      return taskAfter(pair, ...ready)
    case 'in_progress':
      return taskAfter(pair, ...ready, start('a'))
    case 'waiting_for_retry':
      return taskAfter(pair, ...ready, start('a'), fail('a'))
    case 'complete':
      return taskAfter(pair, ...ready, start('a'), complete('a'))
    case 'error':
      return taskAfter(pair, ...ready, start('a'), fail('a', permanently))
    case 'cancelled':
      return taskAfter(pair, ...ready, cancel())
    case 'skipped':
      return taskAfter(unwanted, ...ready)
    case 'resolved_manually':
      return taskAfter(pair, ...ready, byHand('resolve_step', 'a'))
    case 'compensated':
      return takenBack
  }
}

/** An event of each type about step `a`, with the attempt number that would be right. */
const eventsAbout = (from: StepState): readonly (TaskEvent & { readonly type: keyof typeof STEP_TRANSITIONS })[] => {
  const attempt = from.attempts
  return [
    { type: 'step.scheduled', step: a, attempt: from.status === 'pending' || from.status === 'complete' ? attempt + 1 : attempt },
    { type: 'step.started', step: a, attempt, worker },
    { type: 'step.released', step: a, attempt, reason: 'never sent' },
    { type: 'step.suspended', step: a, attempt },
    { type: 'step.checkpointed', step: a, attempt, number: 1, cursor: trustedJson('1'), itemsProcessed: 1 },
    { type: 'step.completed', step: a, attempt, output: trustedJson('1') },
    { type: 'step.failed', step: a, attempt, failure: failure(), permanent: true },
    { type: 'step.timed_out', kind: 'start_to_close', step: a, attempt, timeoutMs: durationMs(1), permanent: true },
    { type: 'step.retry_scheduled', step: a, attempt: attempt + 1, dueAt: at(1), delayMs: durationMs(1) },
    { type: 'step.skipped', step: a, condition: 'false' },
    { type: 'step.cancelled', step: a },
    { type: 'step.reset_for_retry', step: a },
    { type: 'step.resolved_manually', step: a },
    { type: 'step.completed_manually', step: a, output: trustedJson('1') },
    { type: 'step.result_ignored', step: a, attempt, outcome: 'failed', reason: 'it is over' },
  ]
}

describe('an event that cannot follow is a bug, never skipped', () => {
  const statuses: readonly StepStatus[] = [
    'uncreated',
    'not_taken',
    'pending',
    'enqueued',
    'in_progress',
    'waiting_for_retry',
    'complete',
    'error',
    'cancelled',
    'skipped',
    'compensated',
  ]
  for (const status of statuses) {
    test(`only declared events follow on a step that is ${status}`, () => {
      const task = withStepIn(status)
      const from = task.steps[1]
      expect(from?.status).toBe(status)
      for (const event of from === undefined ? [] : eventsAbout(from)) {
        // What is complete is scheduled only to be taken back.
        const inStep =
          STEP_TRANSITIONS[event.type][status] !== undefined && !(event.type === 'step.scheduled' && status === 'complete')
        const inPhase = PHASE_TRANSITIONS[event.type][task.phase] !== undefined
        const apply = () => evolve(task, event, at(1), task.plan)
        if (inStep && inPhase) expect(apply()).toMatchObject({ type: 'task' })
        else expect(apply).toThrow(BugError)
      }
    })
  }

  test('an event of another attempt does not follow', () => {
    for (const status of ['enqueued', 'in_progress', 'waiting_for_retry'] as const) {
      const task = withStepIn(status)
      const from = task.steps[1]
      for (const event of from === undefined ? [] : eventsAbout({ ...from, attempts: from.attempts + 1 })) {
        if (!('attempt' in event) || event.type === 'step.result_ignored') continue
        expect(() => evolve(task, event, at(1), task.plan)).toThrow(BugError)
      }
    }
  })

  test('a task begins with its submission, once', () => {
    const single = plan(step('a'))
    const task = taskAfter(single, submit())
    expect(() => evolve(NO_TASK, { type: 'task.completed' }, at(0), single)).toThrow(BugError)
    expect(() => evolve(task, task.submitted, at(0), single)).toThrow(BugError)
    expect(() => evolve(task, { type: 'steps.created', segment: 'initial', steps: [a] }, at(0), single)).toThrow(BugError)
  })

  test('nothing follows the end, and no event names a step the plan has not', () => {
    const phases: readonly [LiveTask, TaskPhase][] = [
      [taskAfter(plan(step('a')), submit(), start('a'), complete('a')), 'completed'],
      [taskAfter(plan(step('a')), submit(), cancel()), 'cancelled'],
      [taskAfter(plan(step('a')), submit(), failTask()), 'failed'],
    ]
    for (const [task, phase] of phases) {
      expect(task.phase).toBe(phase)
      expect(() => evolve(task, { type: 'task.blocked', steps: [] }, at(1), task.plan)).toThrow(BugError)
    }
    const open = taskAfter(plan(step('a')), submit())
    const unknown: TaskEvent = { type: 'step.scheduled', step: stepId('x'), attempt: 1 }
    expect(() => evolve(open, unknown, at(1), open.plan)).toThrow(BugError)
  })
})

describe('what events make true', () => {
  const single = plan(step('a', { timeoutMs: 500 }))

  test('a start gives a deadline from its own instant', () => {
    const task = taskAfter(single, submit(), start('a', { at: 7 }))
    expect(task.steps[0]).toMatchObject({ status: 'in_progress', worker: 'w1', deadlineAt: at(507), firstStartedAt: at(7) })
  })

  test('a request to cancel gives a grace', () => {
    const task = taskAfter(single, submit(), start('a'), cancel('customer left', 3))
    expect(task.cancel).toStrictEqual({ reason: 'customer left', graceUntil: at(10_003) })
  })

  test('the end has an instant', () => {
    const task = taskAfter(single, submit(), start('a'), complete('a', '1', { at: 9 }))
    expect([task.phase, task.endedAt, task.updatedAt, task.submittedAt]).toEqual(['completed', at(9), at(9), at(0)])
  })

  test('only the latest reports are remembered', () => {
    const long = plan(step('a', { retry: { maxAttempts: 10, backoff: 'none' } }))
    const history = [1, 2, 3, 4, 5, 6].flatMap((attempt) => [start('a', { attempt }), fail('a', failure(), { attempt })])
    const task = taskAfter(long, submit(), ...history)
    expect(task.steps[0]?.reported.map((report) => report.attempt)).toEqual([3, 4, 5, 6])
  })

  test('a released start gives its number away and its budget back', () => {
    const task = taskAfter(plan(step('a')), submit(), start('a'), release('a'), start('a', { attempt: 2 }))
    expect(task.steps[0]).toMatchObject({ attempts: 2, attemptsSinceReset: 1 })
  })

  test('a retry keeps the first start and the last failure', () => {
    const task = taskAfter(single, submit(), start('a', { at: 1 }), fail('a', failure('first')), retryDue('a', { at: 5_000 }))
    expect(task.steps[0]).toMatchObject({ status: 'enqueued', attempts: 2, firstStartedAt: at(1), lastFailure: failure('first') })
  })
})

test('a chain of a thousand steps allocates per event a few objects and two arrays, not a thousand steps', () => {
  const names = Array.from({ length: 1_000 }, (_, index) => `s${index}`)
  const long = plan(...names.map((name, index) => step(name, index === 0 ? {} : { after: [`s${index - 1}`] })))
  let state = stateAfter(long, [submit()])
  for (const name of names) {
    for (const order of [start(name), complete(name)]) {
      const before = state
      const command = order(long)
      const decision = decide(before, command)
      if (decision.type === 'refused') throw new Error(decision.refusal.message)
      state = applied(before, decision.events, command.at, long)
      expect(freshSteps(before, state)).toBeLessThanOrEqual(2)
    }
  }
  expect(state).toMatchObject({ phase: 'completed' })
})

/** Steps of the newer task that are not the very objects of the older. */
const freshSteps = (older: TaskState, newer: TaskState): number => {
  if (older.type !== 'task' || newer.type !== 'task') return 0
  let fresh = 0
  newer.steps.forEach((step, index) => {
    if (step !== older.steps[index]) fresh += 1
  })
  return fresh
}
