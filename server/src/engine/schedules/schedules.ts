/**
 * Schedules that fire: their timers, the tasks they start, and what they hear of those.
 *
 * F1  A task is submitted only for a firing that is durable, and always with the same request and the same identity: however often that is
 *     repeated, there is one task of it.
 * F2  What is to be done follows from the durable state alone, so that a start does what a crash left undone.
 * F3  Timers are hints: what is due is decided by the schedule.
 */
import {
  BugError,
  durationMs,
  dueAt,
  type Firing,
  type FiringOutcome,
  type Instant,
  LIMITS,
  type Namespace,
  scheduleDueAt,
  parseTaskId,
  type ScheduleCommand,
  type ScheduleEvent,
  scheduleProblems,
  type ScheduleRow,
  type TaskId,
  unreachable,
  upcoming,
} from '@tasker/core'
import { inBackground } from '../../background.js'
import type { FaultDetail } from '../../faults.js'
import { CorruptEventError, UnknownEventError } from '../../log/codec/errors.js'
import type { EngineMetrics } from '../../telemetry/metrics.js'
import type { TimerWheel, WheelTimer } from '../../timers/timer-wheel.js'
import type { Submission, SubmitAnswer, TaskOutcome } from '../api.js'
import type { Clock } from '../clock.js'
import { commitLost, databaseUnavailable, notStorable } from '../engine-faults.js'
import type { TemplateCatalog } from '../template-catalog.js'
import type { ScheduleAnswer, ScheduleDoor, ScheduleInfo, ScheduleOrder } from './api.js'
import { invalidSchedule, scheduleRefused, tooManySchedules, unreadableSchedule } from './schedule-faults.js'
import type { ScheduleCommit, ScheduleStream, ScheduleStreams } from './schedule-streams.js'
import { submissionOfFiring } from './schedule-submission.js'

type OutcomeOrFault = TaskOutcome | { readonly type: 'failed'; readonly fault: FaultDetail }

export interface SchedulesParts {
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly streams: ScheduleStreams
  readonly catalog: TemplateCatalog
  readonly metrics: Pick<EngineMetrics, 'scheduleFired' | 'scheduleSkipped'>
  readonly submit: (submission: Submission, answer: (answer: SubmitAnswer) => void) => void
  readonly cancel: (taskId: TaskId, reason: string) => Promise<unknown>
  readonly awaitOutcome: (taskId: TaskId, call: (outcome: OutcomeOrFault) => void) => () => void
  /** Why nothing is taken just now. */
  readonly refusal: () => FaultDetail | undefined
}

/** What is under way for a schedule in memory. */
interface Work {
  timer: WheelTimer | undefined
  /** Firings that are being submitted or whose tasks are followed; how to stop following. */
  readonly firings: Map<string, (() => void) | undefined>
  /** Tasks that were told to stop. */
  readonly cancelled: Set<TaskId>
}

/** Between two tries of what did not go just now. */
const RETRY_MS = durationMs(1_000)
const ENGINE = 'engine'

export class Schedules implements ScheduleDoor {
  readonly #parts: SchedulesParts
  readonly #work = new Map<ScheduleStream, Work>()
  #started = false
  #stopped = false

  constructor(parts: SchedulesParts) {
    this.#parts = parts
  }

  /** The row of a schedule as of its last commit, to be projected; none when its stream cannot be folded, which stops nobody else. */
  async rows(namespace: Namespace, name: string): Promise<readonly ScheduleRow[]> {
    const stream = await this.#unlessBroken(() => this.#parts.streams.named.load(namespace, name))
    return stream === undefined ? [] : [{ namespace, name, streamVersion: stream.version, state: stream.state }]
  }

  /** Reads the schedules that there are; nothing fires before `start`. */
  async recover(schedules: readonly Pick<ScheduleRow, 'namespace' | 'name'>[]): Promise<void> {
    for (const { namespace, name } of schedules) await this.#unlessBroken(() => this.#parts.streams.named.load(namespace, name))
  }

  /** F2. */
  start(): void {
    this.#started = true
    for (const stream of this.#parts.streams.named.all()) this.#goOn(stream)
  }

  stop(): void {
    this.#stopped = true
    for (const stream of [...this.#work.keys()]) this.#leave(stream)
  }

  get count(): number {
    return this.#parts.streams.named.all().length
  }

  list(namespace: Namespace | undefined): readonly ScheduleInfo[] {
    const streams = this.#parts.streams.named.all().filter((stream) => namespace === undefined || stream.namespace === namespace)
    return streams
      .sort((a, b) => compareText(a.namespace, b.namespace) || compareText(a.name, b.name))
      .flatMap((stream) => this.#info(stream) ?? [])
  }

  get(namespace: Namespace, name: string): ScheduleInfo | undefined {
    const stream = this.#parts.streams.named.get(namespace, name)
    return stream === undefined ? undefined : this.#info(stream)
  }

  async order(namespace: Namespace, name: string, order: ScheduleOrder, actor: string): Promise<ScheduleAnswer> {
    const fault = this.#parts.refusal() ?? this.#refusalOf(namespace, order)
    if (fault !== undefined) return { type: 'failed', fault }
    try {
      return await this.#ordered(await this.#parts.streams.named.load(namespace, name), order, actor)
    } catch (error) {
      if (isBroken(error)) return { type: 'failed', fault: unreadableSchedule(namespace, name, error.message) }
      return { type: 'failed', fault: databaseUnavailable }
    }
  }

  /** What can be said of an order without its schedule. */
  #refusalOf(namespace: Namespace, order: ScheduleOrder): FaultDetail | undefined {
    if (order.type !== 'create' && order.type !== 'edit') return undefined
    const problems = scheduleProblems(order.definition)
    if (problems.length > 0) return invalidSchedule(problems)
    if (order.type === 'create' && this.count >= LIMITS.schedulesMax) return tooManySchedules
    const { name, version, context } = order.definition.task
    const record = this.#parts.catalog.resolve(namespace, name, version)
    return 'code' in record ? record : this.#parts.catalog.checkContext(record, context)
  }

  #ordered(stream: ScheduleStream, order: ScheduleOrder, actor: string): Promise<ScheduleAnswer> {
    const { streams } = this.#parts
    return new Promise((resolve) => {
      const decision = this.#apply(stream, { actor, cause: order.type }, orderCommand(stream, order), ({ settled }) => {
        if (settled.type === 'durable') resolve({ type: 'done', changed: true, info: this.#info(stream) })
        else resolve({ type: 'failed', fault: lossOf(settled) })
      })
      if (decision.type === 'refused') {
        streams.forget(stream)
        resolve({ type: 'failed', fault: scheduleRefused(decision.refusal) })
      }
      if (decision.type !== 'unchanged') return
      // What is so already may be on its way only.
      const answer = (): void =>
        stream.dropped
          ? resolve({ type: 'failed', fault: databaseUnavailable })
          : resolve({ type: 'done', changed: false, info: this.#info(stream) })
      if (stream.pending === 0) answer()
      else stream.settledCalls.push(answer)
    })
  }

  #info({ durable: { live }, durableVersion: version }: ScheduleStream): ScheduleInfo | undefined {
    if (live === undefined) return undefined
    return { schedule: live, version, next: upcoming(live, this.#parts.clock.now(), LIMITS.scheduleNextShown) }
  }

  #apply(
    stream: ScheduleStream,
    by: { readonly actor: string; readonly cause: string },
    command: (at: Instant) => ScheduleCommand,
    settled: (commit: ScheduleCommit) => void = () => undefined,
  ): ReturnType<ScheduleStreams['apply']> {
    return this.#parts.streams.apply(stream, by, command, (commit) => {
      if (commit.settled.type === 'durable') {
        this.#count(stream, commit)
        this.#goOn(stream)
      } else this.#lost(stream)
      settled(commit)
    })
  }

  #tell(stream: ScheduleStream, command: (at: Instant) => ScheduleCommand, cause: string): void {
    if (!this.#stopped && !stream.dropped) this.#apply(stream, { actor: ENGINE, cause }, command)
  }

  /** F2: whatever the durable state asks for and is not under way yet. */
  #goOn(stream: ScheduleStream): void {
    if (!this.#started || this.#stopped || stream.dropped) return
    const { live } = stream.durable
    if (live === undefined) {
      this.#leave(stream)
      this.#parts.streams.forget(stream)
      return
    }
    const work = this.#workOf(stream)
    for (const id of work.firings.keys()) if (!live.firings.some((firing) => firing.id === id)) work.firings.delete(id)
    for (const firing of live.firings) {
      if (firing.cancelling && firing.taskId !== undefined) this.#cancel(work, firing.taskId)
      if (work.firings.has(firing.id)) continue
      if (firing.taskId === undefined) this.#submit(stream, work, firing)
      else this.#follow(stream, work, firing.id, firing.taskId)
    }
    this.#arm(stream, work)
  }

  #workOf(stream: ScheduleStream): Work {
    const known = this.#work.get(stream)
    if (known !== undefined) return known
    const work: Work = { timer: undefined, firings: new Map(), cancelled: new Set() }
    this.#work.set(stream, work)
    return work
  }

  #leave(stream: ScheduleStream): void {
    const work = this.#work.get(stream)
    if (work === undefined) return
    this.#work.delete(stream)
    if (work.timer !== undefined) this.#parts.wheel.remove(work.timer)
    for (const stop of work.firings.values()) stop?.()
  }

  #isLeft(stream: ScheduleStream, work: Work): boolean {
    return this.#stopped || this.#work.get(stream) !== work
  }

  /** F3. */
  #arm(stream: ScheduleStream, work: Work): void {
    const due = scheduleDueAt(stream.state)
    if (work.timer?.dueAt === due) return
    if (work.timer !== undefined) this.#parts.wheel.remove(work.timer)
    work.timer = due === undefined ? undefined : { dueAt: due, fire: () => this.#due(stream, work) }
    if (work.timer !== undefined) this.#parts.wheel.add(work.timer)
  }

  #due(stream: ScheduleStream, work: Work): void {
    if (this.#isLeft(stream, work)) return
    work.timer = undefined
    this.#tell(stream, (at) => ({ type: 'due', at }), 'due')
    this.#arm(stream, work)
  }

  /** F1. */
  #submit(stream: ScheduleStream, work: Work, firing: Firing): void {
    const { live, generation } = stream.durable
    if (live === undefined) return
    work.firings.set(firing.id, undefined)
    this.#parts.submit(submissionOfFiring(live, generation, firing), (answer) => {
      if (this.#isLeft(stream, work)) return
      const taskId = answer.type === 'failed' ? sameFiring(answer.fault) : answer.taskId
      work.firings.delete(firing.id)
      if (taskId !== undefined) {
        this.#tell(stream, (at) => ({ type: 'started', at, firing: firing.id, taskId }), 'started')
      } else if (answer.type === 'failed' && answer.fault.retryable === true) {
        work.firings.set(firing.id, undefined)
        this.#later(() => {
          work.firings.delete(firing.id)
          this.#goOn(stream)
        })
      } else if (answer.type === 'failed') {
        const { reason, message } = answer.fault
        this.#tell(stream, (at) => ({ type: 'refused', at, firing: firing.id, reason, message }), 'refused')
      }
    })
  }

  #follow(stream: ScheduleStream, work: Work, firing: string, taskId: TaskId): void {
    const stop = this.#parts.awaitOutcome(taskId, (outcome) => {
      if (this.#isLeft(stream, work)) return
      work.cancelled.delete(taskId)
      if (outcome.type === 'failed' && outcome.fault.retryable === true) {
        this.#later(() => {
          work.firings.delete(firing)
          this.#goOn(stream)
        })
      } else this.#tell(stream, (at) => ({ type: 'ended', at, firing, outcome: outcomeOf(outcome) }), 'ended')
    })
    work.firings.set(firing, stop)
  }

  #cancel(work: Work, taskId: TaskId): void {
    if (work.cancelled.has(taskId)) return
    work.cancelled.add(taskId)
    inBackground(this.#parts.cancel(taskId, 'the next firing of its schedule came'))
  }

  /** E3 of the streams: the log tells what became of it. */
  #lost(stream: ScheduleStream): void {
    this.#leave(stream)
    if (this.#stopped) return
    const { namespace, name } = stream
    this.#parts.streams.named.load(namespace, name).then(
      (anew) => this.#goOn(anew),
      (error: unknown) => (isBroken(error) ? undefined : this.#later(() => this.#lost(stream))),
    )
  }

  #count(stream: ScheduleStream, { events, at }: ScheduleCommit): void {
    for (const event of events) countEvent(event, this.#parts.metrics, (nominalAt) => lateness(stream, nominalAt, at))
  }

  /** A stream that no code of ours can read fires no more; the others do. */
  async #unlessBroken<Found>(read: () => Promise<Found>): Promise<Found | undefined> {
    try {
      return await read()
    } catch (error) {
      if (isBroken(error)) return undefined
      throw error
    }
  }

  #later(call: () => void): void {
    this.#parts.clock.after(RETRY_MS, () => (this.#stopped ? undefined : call()))
  }
}

const orderCommand =
  ({ namespace, name }: ScheduleStream, order: ScheduleOrder) =>
  (at: Instant): ScheduleCommand =>
    order.type === 'create' ? { ...order, at, namespace, name } : { ...order, at }

const isBroken = (error: unknown): error is Error =>
  error instanceof CorruptEventError || error instanceof UnknownEventError || error instanceof BugError

/** The task of this firing was made under another context, before the schedule was edited: it is the task of the firing all the same. */
const sameFiring = ({ reason, context }: FaultDetail): TaskId | undefined => {
  const taskId = reason === 'IDEMPOTENCY_MISMATCH' ? context?.['task_id'] : undefined
  return taskId === undefined ? undefined : parseTaskId(taskId)
}

const lossOf = ({ reason, message }: Extract<ScheduleCommit['settled'], { type: 'lost' }>): FaultDetail =>
  reason === 'refused' ? notStorable(message) : commitLost(message)

const outcomeOf = (outcome: OutcomeOrFault): FiringOutcome => {
  switch (outcome.type) {
    case 'failed':
      return 'unknown'
    case 'ended_in_failure':
      return 'failed'
    case 'completed':
    case 'cancelled':
    case 'resolved_manually':
    case 'blocked':
      return outcome.type
    default:
      return unreachable(outcome)
  }
}

const lateness = ({ durable: { live } }: ScheduleStream, nominalAt: Instant, at: Instant): number => {
  if (live === undefined) return 0
  return Math.max(0, at - dueAt(`${live.namespace}/${live.name}`, live.definition.spec, nominalAt)) / 1_000
}

const countEvent = (
  event: ScheduleEvent,
  metrics: SchedulesParts['metrics'],
  secondsLate: (nominalAt: Instant) => number,
): void => {
  if (event.type === 'schedule.fired')
    metrics.scheduleFired(event.by, event.by === 'time' ? secondsLate(event.nominalAt) : undefined)
  if (event.type === 'schedule.skipped') metrics.scheduleSkipped(event.reason, 1)
  if (event.type === 'schedule.missed') metrics.scheduleSkipped('missed', event.count)
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
