/**
 * Streams of schedules: decided, appended and folded here, as the task runtime does for tasks.
 *
 * E1  Decisions about one schedule are made one after another, each on the state that all earlier ones left.
 * E2  What a decision causes happens when its commit is durable.
 * E3  When a commit is lost, the schedule is dropped from memory and read from the log again.
 */
import {
  type decideSchedule,
  evolveSchedule,
  type Instant,
  instant,
  latest,
  type Namespace,
  NO_SCHEDULE,
  type Partition,
  type ScheduleCommand,
  type ScheduleEvent,
  type ScheduleRefusal,
  type ScheduleRow,
  type ScheduleState,
} from '@tasker/core'
import { commitHash, NO_PREVIOUS_HASH } from '../../log/commit-hash.js'
import { partitionOfName } from '../../log/partition-of-name.js'
import type { EventLog } from '../../log/port.js'
import { decodeScheduleEvents, encodeScheduleEvents, scheduleStreamRef } from '../../log/schedule-codec.js'
import type { Clock } from '../clock.js'
import type { GroupCommit, Settled } from '../group-commit.js'

export interface ScheduleStream {
  readonly namespace: Namespace
  readonly name: string
  readonly partition: Partition
  /** After every decision so far, durable or not. */
  state: ScheduleState
  version: number
  /** After every durable commit: what is shown, and what tasks are started by. */
  durable: ScheduleState
  durableVersion: number
  lastHash: Buffer
  lastAt: Instant
  /** Commits on their way. */
  pending: number
  /** Called when nothing is on its way any more. */
  readonly settledCalls: (() => void)[]
  /** A commit was lost: whoever holds it reads the schedule anew. */
  dropped: boolean
}

/** The events of one commit of a schedule, once they are durable; or why they are not. */
export interface ScheduleCommit {
  readonly events: readonly ScheduleEvent[]
  readonly at: Instant
  readonly settled: Settled
}

export type ScheduleDecision =
  | { readonly type: 'refused'; readonly refusal: ScheduleRefusal }
  | { readonly type: 'unchanged' }
  | { readonly type: 'appended' }

export interface ScheduleStreamParts {
  readonly log: EventLog
  readonly clock: Clock
  readonly commits: GroupCommit
  /** The rules of schedules: those of the core, unless the engine is built with others. */
  readonly decide: typeof decideSchedule
  /** The projected row of a schedule, to fold on from. */
  readonly row: (namespace: Namespace, name: string) => Promise<ScheduleRow | undefined>
  /** A commit of a schedule is durable at this place. */
  readonly appended: (row: ScheduleRow, partition: Partition, seq: number, at: Instant) => void
}

export class ScheduleStreams {
  readonly #parts: ScheduleStreamParts
  readonly #streams = new Map<string, ScheduleStream>()
  readonly #loading = new Map<string, Promise<ScheduleStream>>()

  constructor(parts: ScheduleStreamParts) {
    this.#parts = parts
  }

  all(): readonly ScheduleStream[] {
    return [...this.#streams.values()]
  }

  /** The stream when it is in memory, as every schedule is that there is. */
  get(namespace: Namespace, name: string): ScheduleStream | undefined {
    return this.#streams.get(scheduleStreamRef(namespace, name).id)
  }

  /** Rejects when log or rows cannot be read. */
  async load(namespace: Namespace, name: string): Promise<ScheduleStream> {
    const { id } = scheduleStreamRef(namespace, name)
    const known = this.#streams.get(id) ?? this.#loading.get(id)
    if (known !== undefined) return known
    const loading = this.#read(namespace, name)
      .then((stream) => {
        this.#streams.set(id, stream)
        return stream
      })
      .finally(() => this.#loading.delete(id))
    this.#loading.set(id, loading)
    return loading
  }

  /** There is no such schedule and nothing is on its way: it is read again when it is asked for. */
  forget(stream: ScheduleStream): void {
    if (stream.pending === 0 && stream.state.live === undefined)
      this.#streams.delete(scheduleStreamRef(stream.namespace, stream.name).id)
  }

  /** Decides a command and appends what it makes happen as one commit; `settled` hears of it when there is any. */
  apply(
    stream: ScheduleStream,
    by: { readonly actor: string; readonly cause: string },
    command: (at: Instant) => ScheduleCommand,
    settled: (commit: ScheduleCommit) => void,
  ): ScheduleDecision {
    const at = latest(this.#parts.clock.now(), stream.lastAt)
    const decision = this.#parts.decide(stream.state, command(at))
    if (decision.type === 'refused') return decision
    if (decision.events.length === 0) return { type: 'unchanged' }
    this.#append(stream, by, decision.events, at, settled)
    return { type: 'appended' }
  }

  #append(
    stream: ScheduleStream,
    { actor, cause }: { readonly actor: string; readonly cause: string },
    events: readonly ScheduleEvent[],
    at: Instant,
    settled: (commit: ScheduleCommit) => void,
  ): void {
    const { namespace, name, partition } = stream
    const state = events.reduce((folded, event) => evolveSchedule(folded, event, at), stream.state)
    const content = {
      stream: scheduleStreamRef(namespace, name),
      partition,
      firstVersion: stream.version + 1,
      namespace,
      at,
      actor,
      worker: undefined,
      cause,
      ...encodeScheduleEvents(events),
    }
    const draft = { ...content, hash: commitHash(content, stream.lastHash) }
    stream.state = state
    stream.version += events.length
    stream.lastHash = draft.hash
    stream.lastAt = at
    stream.pending++
    const row: ScheduleRow = { namespace, name, streamVersion: stream.version, state }
    const settle = (outcome: Settled): void => {
      stream.pending--
      if (outcome.type === 'durable') {
        stream.durable = state
        stream.durableVersion = row.streamVersion
        this.#parts.appended(row, partition, outcome.seq, at)
      } else this.#drop(stream)
      settled({ events, at, settled: outcome })
      if (stream.pending === 0) for (const call of stream.settledCalls.splice(0)) call()
    }
    this.#parts.commits.enqueue({ draft, settle })
  }

  #drop(stream: ScheduleStream): void {
    stream.dropped = true
    const { id } = scheduleStreamRef(stream.namespace, stream.name)
    if (this.#streams.get(id) === stream) this.#streams.delete(id)
  }

  async #read(namespace: Namespace, name: string): Promise<ScheduleStream> {
    const { log, row } = this.#parts
    const ref = scheduleStreamRef(namespace, name)
    const stored = await row(namespace, name)
    let state = stored?.state ?? NO_SCHEDULE
    let version = stored?.streamVersion ?? 0
    let lastHash = NO_PREVIOUS_HASH
    let lastAt = instant(0)
    // The commit that the row ends with is read too, for its hash.
    for await (const page of log.readStream(ref, Math.max(1, version))) {
      for (const commit of page) {
        for (const [index, event] of decodeScheduleEvents(commit).entries()) {
          if (commit.firstVersion + index <= version) continue
          state = evolveSchedule(state, event, commit.at)
          version++
        }
        lastHash = commit.hash
        lastAt = latest(lastAt, commit.at)
      }
    }
    const partition = partitionOfName(ref.id, log.partitionCount)
    const read = { state, version, durable: state, durableVersion: version, lastHash, lastAt }
    return { namespace, name, partition, ...read, pending: 0, settledCalls: [], dropped: false }
  }
}
