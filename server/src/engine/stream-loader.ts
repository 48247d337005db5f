/** Folds a task's stream from the log into memory; commands that come meanwhile wait in order. */
import { type LiveTask, type Partition, partitionOfTask, type TaskId } from '@tasker/core'
import { inBackground } from '../background.js'
import { Fault } from '../faults.js'
import type { EventLog } from '../log/port.js'
import type { SnapshotRow } from '../projections/snapshots/snapshot.js'
import type { Quarantine } from './quarantine.js'
import type { StreamCache } from './stream-cache.js'
import { FoldError, type PlanSource, TaskFold } from './task-fold.js'
import { newStream, streamBytes, type TaskStream } from './task-stream.js'

/** What a caller gets: the stream, nothing when there is no such task, or why it cannot be had. */
export type Found =
  | { readonly type: 'stream'; readonly stream: TaskStream }
  | { readonly type: 'none' }
  | { readonly type: 'failed'; readonly fault: Fault }

export interface SnapshotSource {
  /** Histories of fewer events have none. */
  readonly events: number
  readonly read: (taskId: TaskId) => Promise<SnapshotRow | undefined>
}

export class StreamLoader {
  readonly #log: EventLog
  readonly #cache: StreamCache
  readonly #quarantine: Quarantine
  readonly #plans: PlanSource
  readonly #snapshots: SnapshotSource
  readonly #loading = new Map<TaskId, ((found: Found) => void)[]>()

  constructor(log: EventLog, cache: StreamCache, quarantine: Quarantine, plans: PlanSource, snapshots: SnapshotSource) {
    this.#log = log
    this.#cache = cache
    this.#quarantine = quarantine
    this.#plans = plans
    this.#snapshots = snapshots
  }

  /**
   * Calls back at once when the stream is in memory. One that was just created is waited for: the log may hold its task already, and then what is
   * in memory is not that task.
   */
  find(taskId: TaskId, call: (found: Found) => void): void {
    const stream = this.#cache.get(taskId)
    if (stream !== undefined) {
      if (stream.durableVersion === 0 && stream.lastPending !== undefined)
        stream.lastPending.answers.push(() => this.find(taskId, call))
      else call({ type: 'stream', stream })
      return
    }
    const quarantined = this.#quarantine.faultOf(taskId)
    if (quarantined !== undefined) {
      call({ type: 'failed', fault: quarantined })
      return
    }
    const waiting = this.#loading.get(taskId)
    if (waiting !== undefined) {
      waiting.push(call)
      return
    }
    this.#loading.set(taskId, [call])
    inBackground(this.#load(taskId))
  }

  load(taskId: TaskId): Promise<Found> {
    return new Promise((resolve) => this.find(taskId, resolve))
  }

  /** A load of this task is under way. */
  isLoading(taskId: TaskId): boolean {
    return this.#loading.has(taskId)
  }

  async #load(taskId: TaskId): Promise<void> {
    const found = await this.#read(taskId)
    if (found.type === 'stream') this.#cache.add(found.stream)
    const calls = this.#loading.get(taskId) ?? []
    this.#loading.delete(taskId)
    for (const call of calls) {
      // An earlier call may have dropped the stream again, or created it where there was none.
      if (found.type === 'stream' && !found.stream.dropped) call(found)
      else if (found.type === 'failed') call(found)
      else if (this.#cache.get(taskId) !== undefined || found.type === 'stream') this.find(taskId, call)
      else call(found)
    }
  }

  async #read(taskId: TaskId): Promise<Found> {
    try {
      const { state, ...fold } = await this.#folded(taskId)
      if (state.type === 'none') return { type: 'none' }
      return {
        type: 'stream',
        stream: foundStream(taskId, partitionOfTask(taskId, this.#log.partitionCount), { state, ...fold }),
      }
    } catch (error) {
      const fault = error instanceof FoldError ? this.#quarantine.add(taskId, error.commit, error) : unreadable(error)
      return { type: 'failed', fault }
    }
  }

  /** Page by page, so that a long history is never in memory. One that turns out to be long goes on from its snapshot, if it has one. */
  async #folded(taskId: TaskId): Promise<Folded> {
    const fold = new TaskFold(this.#plans)
    let asked = false
    for await (const page of this.#log.readStream({ kind: 'task', id: taskId }, 1)) {
      for (const commit of page) fold.add(commit)
      if (asked || fold.version < this.#snapshots.events) continue
      asked = true
      const shortened = await this.#fromSnapshot(taskId, fold.version)
      if (shortened !== undefined) return shortened
    }
    return foldedOf(fold, 0)
  }

  /** S3: whatever is wrong with a snapshot, the whole history says what is right. */
  async #fromSnapshot(taskId: TaskId, version: number): Promise<Folded | undefined> {
    const snapshot = await this.#snapshots.read(taskId).catch(() => undefined)
    if (snapshot === undefined || snapshot.version <= version) return undefined
    let fold: TaskFold | undefined
    try {
      for await (const page of this.#log.readStream({ kind: 'task', id: taskId }, snapshot.version)) {
        const tail = fold === undefined ? page.slice(1) : page
        fold ??= TaskFold.from(snapshot, page[0], this.#plans)
        if (fold === undefined) return undefined
        for (const commit of tail) fold.add(commit)
      }
    } catch (error) {
      if (error instanceof FoldError) return undefined
      throw error
    }
    return fold === undefined ? undefined : foldedOf(fold, snapshot.version)
  }
}

type Folded = Pick<TaskFold, 'state' | 'version' | 'lastHash' | 'lastAt'> & { readonly snapshotVersion: number }

const foldedOf = ({ state, version, lastHash, lastAt }: TaskFold, snapshotVersion: number): Folded => ({
  state,
  version,
  lastHash,
  lastAt,
  snapshotVersion,
})

const foundStream = (
  taskId: TaskId,
  partition: Partition,
  { state, version, lastHash, lastAt, snapshotVersion }: Folded & { readonly state: LiveTask },
): TaskStream => ({
  ...newStream(taskId, partition),
  state,
  version,
  lastHash,
  lastAt,
  durableState: state,
  durableVersion: version,
  bytes: streamBytes(state),
  storedRows: 'unknown',
  snapshotVersion,
})

const unreadable = (cause: unknown): Fault =>
  new Fault(
    {
      code: 'UNAVAILABLE',
      reason: 'DATABASE_UNAVAILABLE',
      message: 'the event log cannot be read just now',
      hint: 'try again in a moment; nothing is lost',
      retryable: true,
      retryAfterMs: 1_000,
    },
    cause,
  )
