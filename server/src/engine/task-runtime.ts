/**
 * Decide, append, evolve: the one gate through which anything happens to a task.
 *
 * E1  Commands for one task run one after another, each on the state that all earlier decisions left. The state evolves at decide time; this process
 *     is the only writer.
 * E2  What a commit causes outside (deliveries) and what it answers leave only after it is durable, in order of the log. A refusal that
 *     rests on a commit still on its way waits for it too.
 * E3  When a commit is lost, the stream is dropped from memory; the next command folds the log again.
 * E4  An exception while folding or deciding quarantines this one task. Nothing else stops.
 */
import {
  type ArchivedTask,
  type Cause,
  childWorker,
  type DurationMs,
  type FastEvent,
  type Instant,
  elementAt,
  invariant,
  latest,
  LIMITS,
  type LiveTask,
  mayStart,
  NO_DEAD_LETTERS,
  type Plan,
  queueHandler,
  RUN_STEP,
  runOf,
  runsChild,
  readyRank,
  type StepId,
  stepPriority,
  type StepState,
  type TaskCommand,
  type TaskEvent,
  type TaskId,
  type TaskRefusal,
  type TaskState,
  unreachable,
  type WorkerId,
} from '@tasker/core'
import type { Dispatcher } from '../dispatch/dispatcher.js'
import { type ConnectedWorker, type Lease, queueKey } from '../dispatch/worker.js'
import type { Workers } from '../dispatch/workers.js'
import { causeText, type EncodedEvents, encodeTaskEvents } from '../log/codec.js'
import { commitHash } from '../log/commit-hash.js'
import { stepChildId } from './children/child-task.js'
import type { IdentityRow } from '../projections/port.js'
import type { AttemptRef } from './api.js'
import type { Clock } from './clock.js'
import type { GroupCommit, Settled } from './group-commit.js'
import type { StreamCache } from './stream-cache.js'
import { TASK_RULES, type TaskRules } from './task-rules.js'
import { grownBytes, streamBytes, type TaskCommit, type TaskStream } from './task-stream.js'

type Lost = Extract<Settled, { type: 'lost' }>

/** How a command ended. `events` is empty when it repeated what is so already. */
export type Applied =
  | { readonly type: 'durable'; readonly events: readonly TaskEvent[]; readonly seq: number }
  | { readonly type: 'unchanged' }
  | { readonly type: 'refused'; readonly refusal: TaskRefusal }
  | { readonly type: 'lost'; readonly settled: Lost }
  | { readonly type: 'quarantined'; readonly message: string }

export interface ApplyOptions {
  readonly cause: Cause
  /** A slot that is claimed for the attempt a `start` command starts. */
  readonly claimed?: ConnectedWorker
  readonly identity?: IdentityRow
  /** The plan of a task that does not exist yet. */
  readonly plan?: Plan
}

export interface RuntimeHooks {
  /** The commit is durable: deliver. Comes before its answers. */
  readonly durable: (commit: TaskCommit, seq: number) => void
  /** The commit is lost and its stream dropped. */
  readonly lost: (commit: TaskCommit, settled: Lost) => void
  readonly quarantine: (stream: TaskStream, error: unknown) => void
}

/** A step that waits in a queue and is ahead of a task's own next step by more than this goes first. */
const EAGER_AHEAD_MS_MAX = 1_000

export class TaskRuntime {
  readonly #clock: Clock
  readonly #commits: GroupCommit
  readonly #cache: StreamCache
  readonly #workers: Workers
  readonly #hooks: RuntimeHooks
  readonly #dispatcher: Dispatcher
  readonly #rules: TaskRules

  constructor(
    clock: Clock,
    commits: GroupCommit,
    cache: StreamCache,
    workers: Workers,
    dispatcher: Dispatcher,
    hooks: RuntimeHooks,
    rules = TASK_RULES,
  ) {
    this.#clock = clock
    this.#commits = commits
    this.#cache = cache
    this.#workers = workers
    this.#dispatcher = dispatcher
    this.#hooks = hooks
    this.#rules = rules
  }

  /** The instant a command for this stream carries: the wall clock, never before the stream's last event. */
  now(stream: TaskStream): Instant {
    return latest(this.#clock.now(), stream.lastAt)
  }

  apply(stream: TaskStream, command: TaskCommand, options: ApplyOptions, answer: (applied: Applied) => void): void {
    const starts: Start[] = []
    let decided: Decided | TaskRefusal
    let encoded: EncodedEvents | undefined
    try {
      decided = this.#decide(stream, command, options, starts)
      if ('events' in decided && decided.events.length > 0) encoded = encodeTaskEvents(decided.events)
    } catch (error) {
      this.#unclaim(options, starts)
      this.#hooks.quarantine(stream, error)
      answer({ type: 'quarantined', message: error instanceof Error ? error.message : String(error) })
      return
    }
    if ('events' in decided && encoded !== undefined) {
      this.#commit(stream, command, decided, encoded, starts, options, answer)
      return
    }
    this.#unclaim(options, starts)
    const given: Applied = 'events' in decided ? { type: 'unchanged' } : { type: 'refused', refusal: decided }
    this.#afterPending(stream, answer, () => answer(given))
  }

  /** Nothing starts: the slots that were claimed for it are free again. */
  #unclaim({ claimed }: ApplyOptions, starts: readonly Start[]): void {
    for (const { worker } of starts) this.#workers.unclaim(worker)
    if (claimed !== undefined && !starts.some(({ worker }) => worker === claimed)) this.#workers.unclaim(claimed)
  }

  /** E2: answers that rest on what is not durable yet. */
  afterPending(stream: TaskStream, call: (settled: Settled | undefined) => void): void {
    if (stream.lastPending === undefined) call(undefined)
    else stream.lastPending.answers.push(call)
  }

  #afterPending(stream: TaskStream, answer: (applied: Applied) => void, call: () => void): void {
    this.afterPending(stream, (settled) => {
      if (settled?.type === 'lost') answer({ type: 'lost', settled: asPredecessor(settled) })
      else call()
    })
  }

  /** `starts` takes the slots that are claimed on the way, so that none is lost when this throws. */
  #decide(stream: TaskStream, command: TaskCommand, options: ApplyOptions, starts: Start[]): Decided | TaskRefusal {
    const { decide, evolve } = this.#rules
    const decision = decide(stream.state, command)
    if (decision.type === 'refused') return decision.refusal
    const plan = options.plan ?? planOf(stream.state)
    const events = [...decision.events]
    let state = stream.state
    for (const event of decision.events) state = evolve(state, event, command.at, plan)
    if (state.type === 'archived') return { ...NOTHING_ENDS, events, state: liveTask(stream.state), archived: state }
    if (command.type === 'start' && options.claimed !== undefined) {
      starts.push({ step: command.step, attempt: command.attempt, worker: options.claimed })
    }
    const takenAway: Lease[] = []
    for (const event of decision.events) {
      const lease = this.#takenAway(stream, event, command)
      if (lease === undefined) this.#endLease(stream, event, state)
      else takenAway.push(lease)
    }
    for (const event of decision.events) {
      if (event.type !== 'step.scheduled') continue
      const worker = this.#startsChild(stream.taskId, state, event) ?? this.#claimEagerly(stream.taskId, state, event.step)
      if (worker === undefined) continue
      if (typeof worker !== 'string') starts.push({ step: event.step, attempt: event.attempt, worker })
      const id = typeof worker === 'string' ? worker : worker.id
      const start = decide(state, { type: 'start', at: command.at, step: event.step, attempt: event.attempt, worker: id })
      invariant(start.type === 'accepted', `a step that was just scheduled refuses its start: ${event.step}`)
      for (const started of start.events) {
        state = evolve(state, started, command.at, plan)
        events.push(started)
      }
    }
    return {
      events,
      state: liveTask(state),
      archived: undefined,
      takenAway,
      fast: this.#fastEvents(stream.state, command, decision.events, plan),
    }
  }

  #fastEvents(before: TaskState, command: TaskCommand, events: readonly TaskEvent[], plan: Plan): readonly FastEvent[] {
    return plan.publishes ? this.#rules.fastDomainEvents(before, command, events, plan) : NO_FAST_EVENTS
  }

  /** A step whose work is another task waits for no worker, and holds no lease. */
  #startsChild(taskId: TaskId, state: TaskState, { step, attempt }: Pick<AttemptRef, 'step' | 'attempt'>): WorkerId | undefined {
    if (state.type !== 'task' || !state.plan.delegates || !mayStart(state)) return undefined
    const index = state.graph.indexOf.get(step) ?? -1
    if (!runsChild(state, index) || runOf(state, index).keys.length > 0 || state.steps[index]?.status !== 'enqueued')
      return undefined
    return childWorker(stepChildId({ taskId, step, attempt }))
  }

  /**
   * A slot for a step that just became ready, so that its start is part of this commit. Steps that wait in the queue go first when another
   * fairness key has its turn, or when priority and waiting put them ahead.
   */
  #claimEagerly(taskId: TaskId, state: TaskState, step: StepId): ConnectedWorker | undefined {
    if (state.type !== 'task' || !mayStart(state)) return undefined
    const index = state.graph.indexOf.get(step) ?? -1
    const spec = state.graph.steps[index]
    // A join of the same decision may have let go of it already.
    if (state.steps[index]?.status !== 'enqueued') return undefined
    // A step with a key asks for its place first, and one that runs a child for nobody.
    if (spec === undefined || runsChild(state, index) || runOf(state, index).keys.length > 0) return undefined
    const queue = queueKey(state.submitted.namespace, queueHandler(state, index))
    const { fairnessKey = '' } = state.submitted
    const first = this.#dispatcher.first(queue)
    if (first !== undefined) {
      // Another tenant has its turn; of one's own, who is ahead by more than a moment goes first.
      if (first.fairnessKey !== fairnessKey) return undefined
      if (readyRank(stepPriority(state, spec), this.#clock.now()) - first.rank > EAGER_AHEAD_MS_MAX) return undefined
    }
    const worker = this.#workers.claim(queue, taskId)
    if (worker !== undefined && first !== undefined) this.#dispatcher.passed(queue, fairnessKey)
    return worker
  }

  /** A worker that was not asked runs the attempt until it is told, so its slot is taken until the commit is durable (W3). */
  #takenAway({ taskId, state }: TaskStream, event: TaskEvent, command: TaskCommand): Lease | undefined {
    if (!endsUnasked(event, command)) return undefined
    const attempt = event.type === 'step.timed_out' ? event.attempt : attemptOf(state, event.step)
    const lease = this.#workers.lease({ taskId, step: event.step, attempt })
    return lease?.sent === true ? lease : undefined
  }

  /** The attempt is decided: its slot is free for the next, which leaves together with the acknowledgement. */
  #endLease({ taskId, state }: TaskStream, event: TaskEvent, after: TaskState): void {
    switch (event.type) {
      case 'step.completed':
      case 'step.failed':
      case 'step.released':
      case 'step.suspended':
      case 'step.timed_out':
        this.#workers.end({ taskId, step: event.step, attempt: event.attempt })
        return
      case 'step.cancelled':
      case 'step.resolved_manually':
      case 'step.completed_manually':
        this.#workers.end({ taskId, step: event.step, attempt: attemptOf(state, event.step) })
        return
      case 'step.checkpointed':
        this.#workers.renew({ taskId, step: event.step, attempt: event.attempt }, deadlineOf(liveTask(after), event.step))
        return
      case 'effect.recorded':
      case 'timer.started':
      case 'timer.cancelled':
      case 'function.continued':
      case 'child.started':
        this.#renewRun(taskId, liveTask(after))
        return
      case 'steps.created':
        if (event.segment === 'calls') this.#renewRun(taskId, liveTask(after))
        return
      case 'task.paused':
      case 'task.resumed':
      case 'task.retried':
      case 'task.resolved_manually':
      case 'step.reset_for_retry':
      case 'step.scheduled':
      case 'step.skipped':
      case 'step.admitted':
      case 'step.started':
      case 'step.retry_scheduled':
      case 'step.result_ignored':
      case 'domain_event.recorded':
      case 'task.submitted':
      case 'task.blocked':
      case 'task.went_stale':
      case 'task.dead_lettered':
      case 'task.dead_letter_updated':
      case 'task.cancel_requested':
      case 'task.cancelled':
      case 'task.completed':
      case 'task.failed':
      case 'compensation.started':
      case 'compensation.completed':
      case 'compensation.failed':
      case 'task.archived':
      case 'timer.fired':
      case 'signal.received':
      case 'update.received':
      case 'update.answered':
      case 'function.diverged':
      case 'child.ended':
        return
      default:
        unreachable(event)
    }
  }

  /** The run of a durable function handed something in, and goes on unless it is suspended with that. */
  #renewRun(taskId: TaskId, after: LiveTask): void {
    const run = stepOf(after, RUN_STEP)
    if (run.status === 'in_progress') this.#workers.renew({ taskId, step: RUN_STEP, attempt: run.attempts }, run.deadlineAt)
  }

  #commit(
    stream: TaskStream,
    command: TaskCommand,
    decided: Decided,
    encoded: EncodedEvents,
    starts: readonly Start[],
    options: ApplyOptions,
    answer: (applied: Applied) => void,
  ): void {
    const { events, state, archived } = decided
    const { cause } = options
    const firstVersion = stream.version + 1
    const content = {
      stream: { kind: 'task', id: stream.taskId },
      partition: stream.partition,
      firstVersion,
      namespace: state.submitted.namespace,
      at: command.at,
      actor: cause.actor,
      worker: 'worker' in command ? command.worker : undefined,
      cause: causeText(cause),
      types: encoded.types,
      text: encoded.text,
    } as const
    const hash = commitHash(content, stream.lastHash)
    const started = starts.map(({ step, attempt, worker }) =>
      this.#workers.open(worker, { taskId: stream.taskId, step, attempt }, deadlineOf(state, step), heartbeatOf(state, step)),
    )
    const version = stream.version + events.length
    const commit: TaskCommit = {
      stream,
      draft: { ...content, hash },
      events,
      at: command.at,
      cause,
      state,
      archived,
      version,
      lettersBefore: stream.state.type === 'task' ? stream.state.deadLetters : NO_DEAD_LETTERS,
      started,
      takenAway: decided.takenAway,
      identity: options.identity,
      fast: decided.fast,
      answers: [
        (settled) =>
          answer(settled.type === 'durable' ? { type: 'durable', events, seq: settled.seq } : { type: 'lost', settled }),
      ],
      settle: (settled) => this.#settle(commit, settled),
    }
    const bytes = measuredAnew(stream.version, version)
      ? streamBytes(state) - stream.bytes
      : grownBytes(stream.state, state, encoded.text.length)
    stream.state = archived ?? state
    stream.version = version
    stream.lastHash = hash
    stream.lastAt = command.at
    stream.lastPending = commit
    this.#cache.grew(stream, bytes)
    this.#commits.enqueue(commit)
  }

  #settle(commit: TaskCommit, settled: Settled): void {
    const { stream } = commit
    if (settled.type === 'durable') {
      stream.durableState = commit.archived ?? commit.state
      stream.durableVersion = commit.version
      if (stream.lastPending === commit) stream.lastPending = undefined
      this.#hooks.durable(commit, settled.seq)
    } else {
      this.#cache.drop(stream)
      if (stream.lastPending === commit) stream.lastPending = undefined
      for (const lease of commit.started) if (this.#workers.lease(lease) === lease) this.#workers.end(lease)
      this.#hooks.lost(commit, settled)
    }
    for (const answer of commit.answers) answer(settled)
  }
}

/** A long history grows beyond its state: what it was taken for is put right now and then. */
const measuredAnew = (before: number, after: number): boolean =>
  Math.floor(after / LIMITS.snapshotEvents) > Math.floor(before / LIMITS.snapshotEvents)

/** What was decided rests on a commit that the log did not take: the command may be given again, whatever was wrong with the commit. */
const asPredecessor = (settled: Lost): Lost =>
  settled.reason === 'refused' || settled.reason === 'stream_taken' ? { ...settled, reason: 'predecessor_lost' } : settled

interface Start {
  readonly step: StepId
  readonly attempt: number
  readonly worker: ConnectedWorker
}

interface Decided {
  readonly events: readonly TaskEvent[]
  readonly state: LiveTask
  /** What the task is from now on, once it is archived; `state` is then what it was. */
  readonly archived: ArchivedTask | undefined
  /** Attempts that were taken away: their workers are told to stop, and their slots are free then. */
  readonly takenAway: readonly Lease[]
  readonly fast: readonly FastEvent[]
}

type UnaskedEnd = Extract<
  TaskEvent,
  { readonly type: 'step.timed_out' | 'step.cancelled' | 'step.resolved_manually' | 'step.completed_manually' }
>

/** The attempt ends without a word of its worker. */
const endsUnasked = (event: TaskEvent, command: TaskCommand): event is UnaskedEnd =>
  event.type === 'step.timed_out' ||
  event.type === 'step.resolved_manually' ||
  event.type === 'step.completed_manually' ||
  (event.type === 'step.cancelled' && command.type !== 'stopped')

const NO_FAST_EVENTS: readonly FastEvent[] = []

/** Nothing runs of a task that is archived. */
const NOTHING_ENDS = { takenAway: [], fast: NO_FAST_EVENTS } as const

const liveTask = (state: TaskState): LiveTask => {
  invariant(state.type === 'task', 'a stream with events is a task')
  return state
}

const planOf = (state: TaskState): Plan => liveTask(state).plan

const stepOf = (state: TaskState, step: StepId): StepState => {
  const task = liveTask(state)
  return elementAt(task.steps, task.graph.indexOf.get(step) ?? -1, 'the step of an event')
}

/** The attempt that was out before the decision: none of a step that the decision itself created. */
const attemptOf = (state: TaskState, step: StepId): number =>
  state.type === 'task' ? (state.steps[state.graph.indexOf.get(step) ?? -1]?.attempts ?? 0) : 0

const deadlineOf = (state: LiveTask, step: StepId): Instant => {
  const started = stepOf(state, step)
  invariant(started.status === 'in_progress', `${step} was started`)
  return started.deadlineAt
}

const heartbeatOf = (state: LiveTask, step: StepId): DurationMs | undefined =>
  runOf(state, state.graph.indexOf.get(step) ?? -1).heartbeatMs
