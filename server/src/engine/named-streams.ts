/**
 * Streams that are small and have a name in their namespace (keys, schedules): appended and folded here, as the task runtime does for tasks.
 *
 * E1  Decisions about one stream are made one after another, each on the state that all earlier ones left.
 * E2  What a decision causes happens when its commit is durable.
 * E3  When a commit is lost, the stream is dropped from memory and read from the log again.
 */
import { type Instant, instant, latest, type Namespace, type Partition } from '@tasker/core'
import type { EncodedEvents } from '../log/codec.js'
import { commitHash, NO_PREVIOUS_HASH } from '../log/commit-hash.js'
import { partitionOfName } from '../log/partition-of-name.js'
import type { EventLog, StoredCommit, StreamRef } from '../log/port.js'
import type { Clock } from './clock.js'
import type { GroupCommit, Settled } from './group-commit.js'

export interface NamedStream<Name, State> {
  readonly namespace: Namespace
  readonly name: Name
  readonly partition: Partition
  /** After every decision so far, durable or not. */
  state: State
  version: number
  /** After every durable commit. */
  durable: State
  durableVersion: number
  lastHash: Buffer
  lastAt: Instant
  /** Commits on their way. */
  pending: number
  /** Called when nothing is on its way any more. */
  readonly settledCalls: (() => void)[]
  /** A commit was lost: whoever holds it reads the stream anew. */
  dropped: boolean
}

/** How streams of one kind are named, folded and stored. */
export interface NamedStreamKind<Name, State, Event> {
  readonly empty: State
  readonly ref: (namespace: Namespace, name: Name) => StreamRef
  readonly evolve: (state: State, event: Event, at: Instant) => State
  readonly encode: (events: readonly Event[]) => EncodedEvents
  readonly decode: (commit: StoredCommit) => readonly Event[]
}

/** A stream folded up to one of its versions. */
export interface Folded<State> {
  readonly state: State
  readonly streamVersion: number
}

/** Where the last event of a durable commit is in the log, and when it was written. */
export interface AppendedAt {
  readonly partition: Partition
  readonly seq: number
  readonly at: Instant
}

export interface NamedStreamParts<Name, State> {
  readonly log: EventLog
  readonly clock: Clock
  readonly commits: GroupCommit
  /** The projected row of a stream, to fold on from. */
  readonly row: (namespace: Namespace, name: Name) => Promise<Folded<State> | undefined>
  readonly appended: (namespace: Namespace, name: Name, folded: Folded<State>, place: AppendedAt) => void
}

/** Who wants a commit, and what it is called in the log. */
export interface CommitCause {
  readonly actor: string
  readonly cause: string
}

export class NamedStreams<Name, State, Event> {
  readonly #kind: NamedStreamKind<Name, State, Event>
  readonly #parts: NamedStreamParts<Name, State>
  readonly #streams = new Map<string, NamedStream<Name, State>>()
  readonly #loading = new Map<string, Promise<NamedStream<Name, State>>>()

  constructor(kind: NamedStreamKind<Name, State, Event>, parts: NamedStreamParts<Name, State>) {
    this.#kind = kind
    this.#parts = parts
  }

  all(): readonly NamedStream<Name, State>[] {
    return [...this.#streams.values()]
  }

  /** The stream when it is in memory. */
  get(namespace: Namespace, name: Name): NamedStream<Name, State> | undefined {
    return this.#streams.get(this.#kind.ref(namespace, name).id)
  }

  /** Rejects when log or rows cannot be read. */
  async load(namespace: Namespace, name: Name): Promise<NamedStream<Name, State>> {
    const { id } = this.#kind.ref(namespace, name)
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

  /** It is read again when it is asked for, if nothing of it is on its way. */
  forget(stream: NamedStream<Name, State>): void {
    if (stream.pending === 0) this.#streams.delete(this.#kind.ref(stream.namespace, stream.name).id)
  }

  /** The instant of the next decision: never before the last. */
  now(stream: NamedStream<Name, State>): Instant {
    return latest(this.#parts.clock.now(), stream.lastAt)
  }

  /** One commit of at least one event; `settled` hears of it when it is durable or lost. */
  append(
    stream: NamedStream<Name, State>,
    { actor, cause }: CommitCause,
    events: readonly Event[],
    at: Instant,
    settled: (outcome: Settled) => void,
  ): void {
    const { namespace, name, partition } = stream
    const state = events.reduce((folded, event) => this.#kind.evolve(folded, event, at), stream.state)
    const content = {
      stream: this.#kind.ref(namespace, name),
      partition,
      firstVersion: stream.version + 1,
      namespace,
      at,
      actor,
      worker: undefined,
      cause,
      ...this.#kind.encode(events),
    }
    const draft = { ...content, hash: commitHash(content, stream.lastHash) }
    stream.state = state
    stream.version += events.length
    stream.lastHash = draft.hash
    stream.lastAt = at
    stream.pending++
    const folded = { state, streamVersion: stream.version }
    const settle = (outcome: Settled): void => {
      stream.pending--
      if (outcome.type === 'durable') {
        stream.durable = state
        stream.durableVersion = folded.streamVersion
        this.#parts.appended(namespace, name, folded, { partition, seq: outcome.seq, at })
      } else this.#drop(stream)
      settled(outcome)
      if (stream.pending === 0) for (const call of stream.settledCalls.splice(0)) call()
    }
    this.#parts.commits.enqueue({ draft, settle })
  }

  #drop(stream: NamedStream<Name, State>): void {
    stream.dropped = true
    const { id } = this.#kind.ref(stream.namespace, stream.name)
    if (this.#streams.get(id) === stream) this.#streams.delete(id)
  }

  async #read(namespace: Namespace, name: Name): Promise<NamedStream<Name, State>> {
    const { log, row } = this.#parts
    const { empty, decode, evolve } = this.#kind
    const ref = this.#kind.ref(namespace, name)
    const stored = await row(namespace, name)
    let state = stored?.state ?? empty
    let version = stored?.streamVersion ?? 0
    let lastHash = NO_PREVIOUS_HASH
    let lastAt = instant(0)
    // The commit that the row ends with is read too, for its hash.
    for await (const page of log.readStream(ref, Math.max(1, version))) {
      for (const commit of page) {
        for (const [index, event] of decode(commit).entries()) {
          if (commit.firstVersion + index <= version) continue
          state = evolve(state, event, commit.at)
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
