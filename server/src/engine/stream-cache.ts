/** The folded streams in memory, bounded by bytes: what was not looked at for longest goes first, never what has a commit on its way. */
import { isTerminal, type TaskId } from '@tasker/core'
import type { TaskStream } from './task-stream.js'

/** Ended tasks kept for late results and readers. */
const ENDED_STREAMS_MAX = 1_000
/** Suspended functions kept for whatever may wake them. */
const RESTING_STREAMS_MAX = 1_000
/** Streams looked at for room at a time, so that memory full of commits on their way does not make each further one slow. */
const LOOKS_MAX = 1_000

export class StreamCache {
  readonly #bytesMax: number
  readonly #streams = new Map<TaskId, TaskStream>()
  #bytes = 0
  #ended: TaskStream[] = []
  /** With the version at which it came to rest. */
  #resting: { readonly stream: TaskStream; readonly version: number }[] = []

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get size(): number {
    return this.#streams.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get(taskId: TaskId): TaskStream | undefined {
    const stream = this.#streams.get(taskId)
    if (stream !== undefined) stream.touched = true
    return stream
  }

  add(stream: TaskStream): void {
    this.#streams.set(stream.taskId, stream)
    this.#bytes += stream.bytes
    if (this.#bytes > this.#bytesMax) this.#evict(stream)
  }

  grew(stream: TaskStream, bytes: number): void {
    stream.bytes += bytes
    if (stream.dropped) return
    this.#bytes += bytes
    if (this.#bytes > this.#bytesMax) this.#evict(stream)
  }

  /** The task's last commit is durable; the oldest ended ones make room. */
  ended(stream: TaskStream): void {
    this.#ended.push(stream)
    if (this.#ended.length < 2 * ENDED_STREAMS_MAX) return
    for (const old of this.#ended.splice(0, ENDED_STREAMS_MAX)) this.drop(old)
  }

  /**
   * The task is a function that was suspended, for long as far as is known: of so many the longest at rest make room, whatever room there is. They are
   * read again when something wakes them.
   */
  rested(stream: TaskStream): void {
    this.#resting.push({ stream, version: stream.version })
    if (this.#resting.length < 2 * RESTING_STREAMS_MAX) return
    for (const { stream: old, version } of this.#resting.splice(0, RESTING_STREAMS_MAX))
      if (old.version === version && old.lastPending === undefined) this.drop(old)
  }

  /** The stream leaves the memory; who holds it must not go on with it. */
  drop(stream: TaskStream): void {
    if (stream.dropped) return
    stream.dropped = true
    this.#streams.delete(stream.taskId)
    this.#bytes -= stream.bytes
  }

  *all(): Iterable<TaskStream> {
    yield* this.#streams.values()
  }

  /**
   * A clock hand over the map's order: a touched stream gets one more round. `inUse` stays even when it alone is larger than all the memory there
   * is: whoever asked for it is about to get it. One call looks at a bounded number of streams; the next goes on where it ended.
   */
  #evict(inUse: TaskStream): void {
    let looks = Math.min(this.#streams.size * 2, LOOKS_MAX)
    for (const stream of this.#streams.values()) {
      if (this.#bytes <= this.#bytesMax * 0.9 || looks-- <= 0) return
      if (stream === inUse || stream.lastPending !== undefined || (stream.touched && !hasEnded(stream))) {
        stream.touched = false
        this.#streams.delete(stream.taskId)
        this.#streams.set(stream.taskId, stream)
      } else this.drop(stream)
    }
  }
}

const hasEnded = (stream: TaskStream): boolean => stream.state.type === 'task' && isTerminal(stream.state.phase)
