/** Random tasks: a random graph, and random commands to it, among them early, late, repeated and wrong ones. */
import {
  NO_TASK,
  attemptsStarted,
  decide,
  DEAD_LETTER_STATUSES,
  durationMs,
  evolve,
  instant,
  keyGate,
  NO_LIFECYCLE,
  stepId,
  trustedJson,
  workerId,
  type Backoff,
  type CompleteStep,
  type Decision,
  type Failure,
  type Instant,
  type Join,
  type Lifecycle,
  type LiveTask,
  type OnFailure,
  type Plan,
  type StepChoice,
  type StepId,
  type StepSpec,
  type TaskCommand,
  type TaskEvent,
  type TaskRefusal,
  type TaskState,
  type WorkerId,
} from '@tasker/core'
import fc from 'fast-check'
import { arbitraryBranchedPlan, choiceOf } from '../../../support/branched.js'
import { at, expression, failure, keyOf, permanently, plan, planWith, step, submit } from '../../../support/given.js'

const STEPS_MAX = 6
const MOVES_MAX = 80

const KINDS = [
  'admit',
  'start',
  'complete',
  'checkpoint',
  'fail',
  'stopped',
  'time_out',
  'release',
  'retry_due',
  'run_due',
  'cancel',
  'cancel_grace_over',
  'fail_task',
  'again',
] as const

/** What concerns dead letters; rare, so that ordinary runs stay what they are. */
const LETTER_KINDS = ['staleness_due', 'dead_letter', 'report_unserved', 'update_dead_letter'] as const

/** A task that is paused goes nowhere, so it is resumed more often. */
const BY_OPERATORS = [
  'pause',
  'resume',
  'resume',
  'resume',
  'retry',
  'retry',
  'resolve',
  'reset_step',
  'reset_step',
  'resolve_step',
  'complete_step',
] as const

/** One thing that happens to the task; what it means depends on the task's state when it comes. */
export interface Move {
  readonly kind: (typeof KINDS)[number] | (typeof LETTER_KINDS)[number] | (typeof BY_OPERATORS)[number]
  readonly pick: number
  readonly attemptOffset: number
  readonly byHolder: boolean
  readonly advanceMs: number
  readonly draw: number
  readonly output: string
  readonly failure: Failure
}

export interface Run {
  readonly plan: Plan
  readonly runAt: Instant | undefined
  readonly moves: readonly Move[]
}

const wayBack = (maxAttempts: number): StepSpec['compensate'] => {
  const { handler, retry } = step('undo', { retry: { maxAttempts, backoff: 'none' } })
  return { handler, retry, timeoutMs: durationMs(100), keys: [] }
}

/** What a step says about conditions, failures and joins; most say nothing. `count` is the number of its dependencies. */
const arbitraryConditions: fc.Arbitrary<(count: number) => Partial<StepSpec>> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(() => ({})) },
  {
    weight: 2,
    arbitrary: fc
      .record({
        when: fc.constantFrom(undefined, undefined, expression('true'), expression('false'), expression('context.missing')),
        onFailure: fc.constantFrom<OnFailure>('block', 'continue', 'compensate', 'compensate'),
        compensate: fc.constantFrom(undefined, wayBack(1), wayBack(3)),
        join: fc.constantFrom<Join>('all', 1, 1, 2),
        cancelRemaining: fc.boolean(),
      })
      .map(
        ({ when, onFailure, compensate, join, cancelRemaining }) =>
          (count: number): Partial<StepSpec> => ({
            when,
            onFailure,
            compensate,
            join: join === 'all' || join > count ? 'all' : join,
            cancelRemaining: join !== 'all' && join <= count && cancelRemaining,
          }),
      ),
  },
)

const concurrency = keyOf('concurrency', 'shared')
const rate = keyOf('rate', 'api-${context.order}', 2, 1_000)

/** A domain event for each condition, which is its name. */
const EVERY_CONDITION: StepSpec['publishes'] = (
  ['success', 'failure', 'retryable_failure', 'permanent_failure', 'always'] as const
).map((condition) => ({
  name: condition,
  description: undefined,
  condition,
  delivery: 'durable',
  schema: undefined,
  publisher: undefined,
}))

const arbitraryStep = (index: number): fc.Arbitrary<StepSpec> =>
  fc
    .record({
      after: fc.subarray(Array.from({ length: index }, (_, before) => `s${before}`)),
      maxAttempts: fc.nat(4),
      backoff: fc.constantFrom<Backoff>('none', 'linear', 'exponential', 'fibonacci'),
      baseMs: fc.constantFrom(0, 10, 200),
      retryable: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
      timeoutMs: fc.constantFrom(50, 500),
      conditions: arbitraryConditions,
      keys: fc.constantFrom([], [], [], [], [], [], [concurrency], [concurrency, rate]),
      publishes: fc.constantFrom<StepSpec['publishes']>([], [], EVERY_CONDITION),
    })
    .map(({ after, timeoutMs, baseMs, conditions, keys, publishes, ...retry }) =>
      step(`s${index}`, {
        after,
        timeoutMs,
        keys,
        publishes,
        more: conditions(after.length),
        retry: { ...retry, baseMs: durationMs(baseMs), nonRetryableErrors: ['Named'] },
      }),
    )

/** Some tasks go stale within a run, most never do. */
const arbitraryLifecycle: fc.Arbitrary<Lifecycle> = fc.constantFrom(
  NO_LIFECYCLE,
  NO_LIFECYCLE,
  { ...NO_LIFECYCLE, thresholdsMs: { duration: durationMs(5_000), steps_in_process: durationMs(600) } },
  { ...NO_LIFECYCLE, thresholdsMs: { waiting_for_retry: durationMs(100), blocked_by_failures: durationMs(600) } },
)

const arbitraryPlainPlan: fc.Arbitrary<Plan> = fc
  .integer({ min: 0, max: STEPS_MAX })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => arbitraryStep(index))))
  .chain((steps) => arbitraryLifecycle.map((lifecycle) => planWith(lifecycle, ...steps)))

/** Little but a batch, so that what its strategy does happens often. */
const batchPlan = (failureStrategy: 'fail_fast' | 'isolate'): Plan =>
  plan(
    step('s0', { type: 'batchable' }),
    step('s1', { type: 'batch_worker', after: ['s0'], retry: { maxAttempts: 1 }, batch: { failureStrategy, parallelism: 2 } }),
  )

export const arbitraryPlan: fc.Arbitrary<Plan> = fc.oneof(
  { weight: 3, arbitrary: arbitraryPlainPlan },
  { weight: 2, arbitrary: arbitraryBranchedPlan },
  { weight: 2, arbitrary: fc.constantFrom('fail_fast', 'fail_fast', 'isolate').map(batchPlan) },
)

/** Ordinary work is likelier than orders that end the task, so that runs get somewhere. */
const arbitraryKind: fc.Arbitrary<Move['kind']> = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Move['kind']>('start') },
  { weight: 4, arbitrary: fc.constant<Move['kind']>('complete') },
  { weight: 1, arbitrary: fc.constant<Move['kind']>('admit') },
  { weight: 2, arbitrary: fc.constantFrom<Move['kind']>(...LETTER_KINDS) },
  { weight: 6, arbitrary: fc.constantFrom<Move['kind']>('fail', 'retry_due', 'run_due', 'time_out', 'release') },
  { weight: 1, arbitrary: fc.constant<Move['kind']>('checkpoint') },
  { weight: 2, arbitrary: fc.constantFrom<Move['kind']>(...BY_OPERATORS) },
  { weight: 2, arbitrary: fc.constantFrom<Move['kind']>(...KINDS) },
)

const arbitraryMove: fc.Arbitrary<Move> = fc.record({
  kind: arbitraryKind,
  pick: fc.nat(1_000),
  attemptOffset: fc.constantFrom(0, 0, 0, 0, 0, -1, 1),
  byHolder: fc.integer({ min: 0, max: 5 }).map((n) => n > 0),
  advanceMs: fc.constantFrom(0, 0, 1, 60, 600, 11_000),
  draw: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  output: fc.constantFrom('1', '{"n":2}'),
  failure: fc.constantFrom<Failure>(
    failure(),
    failure(),
    failure('named', { errorType: 'Named' }),
    failure('later', { retryAfterMs: durationMs(700) }),
    failure('gone', { code: 'WORKER_LOST' }),
    permanently,
  ),
})

/** Two steps that are taken back when the third fails, which it does at its first failure. */
const trip = plan(
  step('s0', { more: { compensate: wayBack(5) } }),
  step('s1', { after: ['s0'], more: { compensate: wayBack(1) } }),
  step('s2', { after: ['s0'], retry: { maxAttempts: 1 }, more: { onFailure: 'compensate' } }),
)

/** How the trip comes to its end, as moves that mean it; other moves stand between them. */
const failedTrip: readonly Move['kind'][] = ['start', 'complete', 'start', 'complete', 'start', 'fail']
const tripPicks = [0, 0, 1, 1, 2, 2]

const tripMoves: fc.Arbitrary<readonly Move[]> = fc
  .tuple(fc.array(arbitraryMove, { minLength: 6, maxLength: 6 }), fc.array(arbitraryMove, { maxLength: 40, size: 'max' }))
  .map(([meant, then]) => [
    ...meant.map((move, index) => ({
      ...move,
      kind: failedTrip[index] ?? 'start',
      pick: tripPicks[index] ?? 0,
      attemptOffset: 0,
      byHolder: true,
      advanceMs: 0,
    })),
    ...then.map((move) => (move.kind === 'cancel' || move.kind === 'fail_task' ? { ...move, kind: 'complete' as const } : move)),
  ])

export const arbitraryTrip: fc.Arbitrary<Run> = tripMoves.map((moves) => ({ plan: trip, runAt: undefined, moves }))

const arbitraryAnyRun: fc.Arbitrary<Run> = fc.record({
  plan: arbitraryPlan,
  runAt: fc.constantFrom(undefined, undefined, at(0), at(500)),
  moves: fc.array(arbitraryMove, { maxLength: MOVES_MAX, size: 'max' }),
})

export const arbitraryRun: fc.Arbitrary<Run> = fc.oneof(
  { weight: 5, arbitrary: arbitraryAnyRun },
  { weight: 1, arbitrary: arbitraryTrip },
)

export interface Watcher {
  readonly onEvent?: (before: TaskState, event: TaskEvent, after: LiveTask) => void
  readonly onDecision?: (state: TaskState, command: TaskCommand, decision: Decision<TaskEvent, TaskRefusal>) => void
}

export interface Commit {
  readonly at: Instant
  readonly events: readonly TaskEvent[]
}

/** Plays a run; the watcher sees every decision and every event. Returns the task and what its log holds. */
export const play = (run: Run, watcher: Watcher): { readonly state: TaskState; readonly commits: readonly Commit[] } => {
  const commits: Commit[] = []
  const sent: TaskCommand[] = []
  let state: TaskState = NO_TASK
  const send = (command: TaskCommand): void => {
    const decision = decide(state, command)
    watcher.onDecision?.(state, command, decision)
    sent.push(command)
    if (decision.type === 'refused') return
    for (const event of decision.events) {
      const before = state
      const after = frozen(evolve(before, event, command.at, run.plan))
      watcher.onEvent?.(before, event, after)
      state = after
    }
    if (decision.events.length > 0) commits.push({ at: command.at, events: decision.events })
  }
  send(submit(run.runAt === undefined ? {} : { runAt: run.runAt })(run.plan))
  let now = at(0)
  for (const move of run.moves) {
    now = instant(now + move.advanceMs)
    const command = commandOf(state, run.plan, move, now, sent)
    if (command !== undefined) send(command)
  }
  return { state, commits }
}

/** Makes every later change in place throw. */
const frozen = (state: TaskState): LiveTask => {
  if (state.type !== 'task') throw new Error('a task that has an event is not none')
  for (const step of state.steps) Object.freeze(step)
  Object.freeze(state.steps)
  Object.freeze(state.unmet)
  Object.freeze(state.counts)
  return Object.freeze(state)
}

const commandOf = (
  state: TaskState,
  of: Plan,
  move: Move,
  now: Instant,
  sent: readonly TaskCommand[],
): TaskCommand | undefined => {
  if (move.kind === 'again') {
    const earlier = sent[move.pick % sent.length]
    return earlier === undefined ? undefined : { ...earlier, at: now }
  }
  if (isForTask(move.kind)) return { type: move.kind, at: now }
  // Mostly of a blocked task, so that runs get somewhere.
  if (move.kind === 'fail_task' && move.pick % 4 > 0 && (state.type !== 'task' || state.phase !== 'blocked')) return undefined
  if (move.kind === 'fail_task') return { type: 'fail_task', at: now, code: 'GIVEN_UP', message: 'Nobody waits for it.' }
  const steps = state.type === 'task' ? state.graph.steps : of.steps
  const index = steps.length === 0 ? 0 : move.pick % steps.length
  const current = state.type === 'task' ? state.steps[index] : undefined
  if (current === undefined) return { type: 'start', at: now, step: stepId('s0'), attempt: 1, worker: workerId('w0') }
  const holder = current.status === 'in_progress' ? current.worker : workerId('w0')
  const ref = {
    at: now,
    step: steps[index]?.name ?? stepId('s0'),
    attempt: current.attempts + move.attemptOffset,
    worker: move.byHolder ? holder : workerId('w1'),
  }
  switch (move.kind) {
    case 'admit': {
      const gate = state.type === 'task' ? keyGate(state, index) : undefined
      const { kind, key } = gate ?? { kind: 'concurrency' as const, key: 'shared' }
      return { type: 'admit', at: now, step: ref.step, attempt: ref.attempt, kind: move.byHolder ? kind : 'rate', key }
    }
    case 'report_unserved':
      return { type: move.kind, at: now, step: ref.step, attempt: ref.attempt, thresholdMs: durationMs(60) }
    case 'staleness_due':
    case 'dead_letter':
    case 'update_dead_letter':
      return letterCommand(move, now)
    case 'start':
      return { type: 'start', ...ref }
    case 'complete':
      return completed({ type: 'complete', ...ref, output: trustedJson(move.output) }, choiceOf(of, index, move.draw))
    case 'checkpoint':
      return { type: 'checkpoint', ...ref, number: 1 + (move.pick % 3), cursor: trustedJson('7'), itemsProcessed: 7 }
    case 'fail':
      return { type: 'fail', ...ref, failure: move.failure, draw: move.draw }
    case 'stopped':
      return { type: 'stopped', ...ref }
    case 'time_out':
      return { type: 'time_out', kind: 'start_to_close', at: now, step: ref.step, attempt: ref.attempt, draw: move.draw }
    case 'release':
      return { type: 'release', at: now, step: ref.step, attempt: ref.attempt, reason: 'never sent' }
    case 'retry_due':
      return { type: 'retry_due', at: now, step: ref.step, attempt: ref.attempt }
    case 'reset_step':
    case 'resolve_step':
      return { type: move.kind, at: now, step: ref.step, reason: 'by chance' }
    case 'complete_step':
      return { type: 'complete_step', at: now, step: ref.step, output: trustedJson(move.output) }
  }
}

const completed = (command: CompleteStep, choice: StepChoice | undefined): CompleteStep =>
  choice === undefined ? command : { ...command, choice }

/** Orders that concern the task's dead letters, and the timer that may open one. */
const letterCommand = (move: Move, now: Instant): TaskCommand | undefined => {
  switch (move.kind) {
    case 'staleness_due':
      return { type: move.kind, at: now, heard: new Map() }
    case 'dead_letter':
      return { type: move.kind, at: now, by: 'somebody' }
    case 'update_dead_letter': {
      const status = DEAD_LETTER_STATUSES[move.pick % DEAD_LETTER_STATUSES.length]
      return { type: move.kind, at: now, entry: 1 + (move.pick % 2), ...(status === undefined ? {} : { status }) }
    }
    default:
      return undefined
  }
}
const FOR_TASK = ['run_due', 'cancel', 'cancel_grace_over', 'pause', 'resume', 'retry', 'resolve'] as const

const isForTask = (kind: Move['kind']): kind is (typeof FOR_TASK)[number] => FOR_TASK.some((one) => one === kind)

/** The next ordinary thing that could happen by itself, chosen by `draw`: a start, an answer, or a time that has come. */
export const nextOrdinary = (task: LiveTask, draw: number): TaskCommand | undefined => {
  const possible = task.steps.flatMap((step, index): TaskCommand[] => {
    const name = task.graph.steps[index]?.name ?? stepId('s0')
    switch (step.status) {
      case 'enqueued': {
        const gate = keyGate(task, index)
        if (gate !== undefined)
          return [{ type: 'admit', at: task.updatedAt, step: name, attempt: step.attempts, kind: gate.kind, key: gate.key }]
        return [{ type: 'start', at: task.updatedAt, step: name, attempt: step.attempts, worker: workerId('w0') }]
      }
      case 'in_progress':
        return [answer(task, { step: name, index, attempt: attemptsStarted(step), worker: step.worker }, draw)]
      case 'waiting_for_retry':
        return [{ type: 'retry_due', at: instant(Math.max(step.dueAt, task.updatedAt)), step: name, attempt: step.attempts }]
      case 'uncreated':
      case 'not_taken':
      case 'pending':
      case 'complete':
      case 'error':
      case 'cancelled':
      case 'skipped':
      case 'resolved_manually':
      case 'compensated':
        return []
    }
  })
  if (task.phase === 'waiting') {
    return { type: 'run_due', at: instant(Math.max(task.updatedAt, task.submitted.runAt ?? 0)) }
  }
  return possible[Math.floor(draw * possible.length)]
}

interface Running {
  readonly step: StepId
  readonly index: number
  readonly attempt: number
  readonly worker: WorkerId
}

const answer = (task: LiveTask, { step, index, attempt, worker }: Running, draw: number): TaskCommand => {
  const ref = { at: task.updatedAt, step, attempt, worker }
  // The digits after the third decide, so that they are free of those that chose the step.
  return (draw * 1_000) % 1 < 0.5
    ? completed({ type: 'complete', ...ref, output: trustedJson('1') }, choiceOf(task.plan, index, draw))
    : { type: 'fail', ...ref, failure: failure(), draw }
}
