/**
 * Streams of keys: decided, appended and folded here, as the task runtime does for tasks.
 *
 * E1  Decisions about one key are made one after another, each on the state that all earlier ones left.
 * E2  What a decision causes happens when its commit is durable.
 * E3  When a commit is lost, the key is dropped from memory and read from the log again.
 */
import {
  type Instant,
  instant,
  type KeyCommand,
  type KeyEvent,
  type KeyRow,
  keyStream,
  type KeyState,
  latest,
  type Namespace,
  NO_KEY,
  type Partition,
  type QueueName,
} from '@tasker/core'
import { commitHash, NO_PREVIOUS_HASH } from '../../log/commit-hash.js'
import { decodeKeyEvents, encodeKeyEvents, keyStreamRef } from '../../log/key-codec.js'
import { partitionOfName } from '../../log/partition-of-name.js'
import type { EventLog } from '../../log/port.js'
import type { Clock } from '../clock.js'
import type { GroupCommit, Settled } from '../group-commit.js'

export interface KeyStream {
  readonly namespace: Namespace
  readonly queue: QueueName
  readonly partition: Partition
  /** After every decision so far, durable or not. */
  state: KeyState
  version: number
  lastHash: Buffer
  lastAt: Instant
  /** Commits on their way. */
  pending: number
  /** A commit was lost: whoever holds it reads the key anew. */
  dropped: boolean
}

export interface KeyStreamParts {
  readonly log: EventLog
  readonly clock: Clock
  readonly commits: GroupCommit
  /** The projected row of a key, to fold on from. */
  readonly row: (namespace: Namespace, queue: QueueName) => Promise<KeyRow | undefined>
  /** A commit of a key is durable at this place. */
  readonly appended: (row: KeyRow, partition: Partition, seq: number, at: Instant) => void
}

export class KeyStreams {
  readonly #parts: KeyStreamParts
  readonly #streams = new Map<string, KeyStream>()
  readonly #loading = new Map<string, Promise<KeyStream>>()

  constructor(parts: KeyStreamParts) {
    this.#parts = parts
  }

  all(): readonly KeyStream[] {
    return [...this.#streams.values()]
  }

  /** The stream when it is in memory. */
  get(namespace: Namespace, queue: QueueName): KeyStream | undefined {
    return this.#streams.get(keyStreamRef(namespace, queue).id)
  }

  /** Rejects when log or rows cannot be read. */
  async load(namespace: Namespace, queue: QueueName): Promise<KeyStream> {
    const { id } = keyStreamRef(namespace, queue)
    const known = this.#streams.get(id) ?? this.#loading.get(id)
    if (known !== undefined) return known
    const loading = this.#read(namespace, queue).finally(() => this.#loading.delete(id))
    this.#loading.set(id, loading)
    const stream = await loading
    this.#streams.set(id, stream)
    return stream
  }

  /** Nobody has a place of it and nothing is on its way: it is read again when it is asked for. */
  forget(stream: KeyStream): void {
    if (stream.pending === 0 && stream.state.places.size === 0)
      this.#streams.delete(keyStreamRef(stream.namespace, stream.queue).id)
  }

  /** Decides one command after another and appends what they make happen as one commit; `settled` hears of it when there is any. */
  apply(
    stream: KeyStream,
    cause: string,
    commands: readonly ((at: Instant) => KeyCommand)[],
    settled: (events: readonly KeyEvent[], durable: boolean) => void,
  ): readonly KeyEvent[] {
    const at = latest(this.#parts.clock.now(), stream.lastAt)
    const events: KeyEvent[] = []
    let { state } = stream
    for (const command of commands) {
      const decision = keyStream.decide(state, command(at))
      if (decision.type === 'refused') continue
      for (const event of decision.events) {
        state = keyStream.evolve(state, event, at)
        events.push(event)
      }
    }
    if (events.length > 0) this.#append(stream, cause, { events, state, at }, settled)
    return events
  }

  #append(
    stream: KeyStream,
    cause: string,
    { events, state, at }: { readonly events: readonly KeyEvent[]; readonly state: KeyState; readonly at: Instant },
    settled: (events: readonly KeyEvent[], durable: boolean) => void,
  ): void {
    const { namespace, queue, partition } = stream
    const content = {
      stream: keyStreamRef(namespace, queue),
      partition,
      firstVersion: stream.version + 1,
      namespace,
      at,
      actor: 'engine',
      worker: undefined,
      cause,
      ...encodeKeyEvents(events),
    }
    const draft = { ...content, hash: commitHash(content, stream.lastHash) }
    stream.state = state
    stream.version += events.length
    stream.lastHash = draft.hash
    stream.lastAt = at
    stream.pending++
    const row: KeyRow = { namespace, queue, streamVersion: stream.version, state }
    const settle = (outcome: Settled): void => {
      stream.pending--
      if (outcome.type === 'durable') this.#parts.appended(row, partition, outcome.seq, at)
      else this.#drop(stream)
      settled(events, outcome.type === 'durable')
    }
    this.#parts.commits.enqueue({ draft, settle })
  }

  #drop(stream: KeyStream): void {
    stream.dropped = true
    const { id } = keyStreamRef(stream.namespace, stream.queue)
    if (this.#streams.get(id) === stream) this.#streams.delete(id)
  }

  async #read(namespace: Namespace, queue: QueueName): Promise<KeyStream> {
    const { log, row } = this.#parts
    const ref = keyStreamRef(namespace, queue)
    const stored = await row(namespace, queue)
    const stream: KeyStream = {
      namespace,
      queue,
      partition: partitionOfName(ref.id, log.partitionCount),
      state: stored?.state ?? NO_KEY,
      version: stored?.streamVersion ?? 0,
      lastHash: NO_PREVIOUS_HASH,
      lastAt: instant(0),
      pending: 0,
      dropped: false,
    }
    // The commit that the row ends with is read too, for its hash.
    for await (const page of log.readStream(ref, Math.max(1, stream.version))) {
      for (const commit of page) {
        for (const [index, event] of decodeKeyEvents(commit).entries()) {
          if (commit.firstVersion + index <= stream.version) continue
          stream.state = keyStream.evolve(stream.state, event, commit.at)
          stream.version++
        }
        stream.lastHash = commit.hash
        stream.lastAt = latest(stream.lastAt, commit.at)
      }
    }
    return stream
  }
}
