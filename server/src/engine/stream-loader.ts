/** Folds a task's stream from the log into memory; commands that come meanwhile wait in order. */
import { type ArchivedTask, type LiveTask, type Partition, partitionOfTask, type TaskId } from '@tasker/core'
import { inBackground } from '../background.js'
import { Fault } from '../faults.js'
import type { EventLog, StreamStart } from '../log/port.js'
import type { SnapshotRow } from '../projections/snapshots/snapshot.js'
import type { Quarantine } from './quarantine.js'
import type { StreamCache } from './stream-cache.js'
import { FoldError, type PlanSource, TaskFold } from './task-fold.js'
import { newStream, streamBytes, type TaskStream } from './task-stream.js'

/** What a caller gets: the stream, nothing when there is no such task, where it lies when it is archived, or why it cannot be had. */
export type Found =
  | { readonly type: 'stream'; readonly stream: TaskStream }
  | { readonly type: 'none' }
  | { readonly type: 'archived'; readonly task: ArchivedTask }
  | { readonly type: 'failed'; readonly fault: Fault }

/** Tasks that one read of the log brings, and reads under way at once. */
const TASKS_A_READ_MAX = 200
const READS_AT_ONCE_MAX = 4

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
  /** Those of them that no read has begun for. */
  readonly #asked: TaskId[] = []
  #reads = 0

  constructor(log: EventLog, cache: StreamCache, quarantine: Quarantine, plans: PlanSource, snapshots: SnapshotSource) {
    this.#log = log
    this.#cache = cache
    this.#quarantine = quarantine
    this.#plans = plans
    this.#snapshots = snapshots
  }

  /**
   * Calls back at once when the stream is in memory. One that was just created is waited for: the log may hold its task already, and then what is
   * in memory is not that task. So is one that is about to be archived: nothing can be done with it any more.
   */
  find(taskId: TaskId, call: (found: Found) => void): void {
    const stream = this.#cache.get(taskId)
    if (stream !== undefined) {
      if (stream.lastPending !== undefined && (stream.durableVersion === 0 || stream.state.type === 'archived'))
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
    this.#asked.push(taskId)
    if (this.#asked.length === 1) queueMicrotask(() => this.#readAsked())
  }

  load(taskId: TaskId): Promise<Found> {
    return new Promise((resolve) => this.find(taskId, resolve))
  }

  /** A load of this task is under way. */
  isLoading(taskId: TaskId): boolean {
    return this.#loading.has(taskId)
  }

  /** What was asked for in one turn, or while all reads were under way, is read together. */
  #readAsked(): void {
    while (this.#reads < READS_AT_ONCE_MAX && this.#asked.length > 0) {
      this.#reads++
      inBackground(this.#readTogether(this.#asked.splice(0, TASKS_A_READ_MAX)))
    }
  }

  async #readTogether(taskIds: readonly TaskId[]): Promise<void> {
    try {
      const [first] = taskIds
      if (taskIds.length === 1 && first !== undefined) return this.#found(first, await this.#read(first))
      const starts = await this.#starts(taskIds)
      await Promise.all(taskIds.map(async (taskId) => this.#found(taskId, await this.#started(taskId, starts))))
    } finally {
      this.#reads--
      this.#readAsked()
    }
  }

  async #starts(taskIds: readonly TaskId[]): Promise<ReadonlyMap<string, StreamStart> | Fault> {
    try {
      return await this.#log.readStarts('task', taskIds)
    } catch (error) {
      return unreadable(error)
    }
  }

  /** A task whose stream is short is there already; one that is long is read for itself. */
  async #started(taskId: TaskId, starts: ReadonlyMap<string, StreamStart> | Fault): Promise<Found> {
    if (starts instanceof Fault) return { type: 'failed', fault: starts }
    const start = starts.get(taskId)
    if (start === undefined) return { type: 'none' }
    if (!start.whole) return this.#read(taskId)
    return this.#foundBy(taskId, () => {
      const fold = new TaskFold(this.#plans)
      for (const commit of start.commits) fold.add(commit)
      return foldedOf(fold, 0)
    })
  }

  #found(taskId: TaskId, found: Found): void {
    if (found.type === 'stream') this.#cache.add(found.stream)
    const calls = this.#loading.get(taskId) ?? []
    this.#loading.delete(taskId)
    for (const call of calls) {
      // An earlier call may have dropped the stream again, or created it where there was none.
      if (found.type === 'stream' && !found.stream.dropped) call(found)
      else if (found.type === 'failed' || found.type === 'archived') call(found)
      else if (this.#cache.get(taskId) !== undefined || found.type === 'stream') this.find(taskId, call)
      else call(found)
    }
  }

  #read(taskId: TaskId): Promise<Found> {
    return this.#foundBy(taskId, () => this.#folded(taskId))
  }

  async #foundBy(taskId: TaskId, fold: () => Folded | Promise<Folded>): Promise<Found> {
    try {
      const { state, ...rest } = await fold()
      if (state.type === 'none') return { type: 'none' }
      if (state.type === 'archived') return { type: 'archived', task: state }
      return {
        type: 'stream',
        stream: foundStream(taskId, partitionOfTask(taskId, this.#log.partitionCount), { state, ...rest }),
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
