/** One stream folded from its commits as they were at a seq of its partition: what all its rows follow from. */
import {
  type ActivityRow,
  activityRows,
  evolve,
  evolveSchedule,
  type KeyRow,
  type KeyState,
  keyStream,
  type LiveTask,
  NO_KEY,
  NO_SCHEDULE,
  NO_TASK,
  type Partition,
  parseTaskId,
  type Plan,
  type ScheduleRow,
  type ScheduleState,
  type TaskId,
  type TaskState,
  type TemplateHash,
} from '@tasker/core'
import { decodeTaskEvents } from '../../log/codec.js'
import { decodeKeyEvents, keyOfStream } from '../../log/key-codec.js'
import { decodeScheduleEvents, scheduleOfStream } from '../../log/schedule-codec.js'
import { type StoredCommit, type StreamRef, TASK_ARCHIVED } from '../../log/port.js'

export interface FoldedTask {
  readonly type: 'task'
  readonly taskId: TaskId
  readonly state: LiveTask
  readonly version: number
  readonly partition: Partition
  /** Where it was submitted. */
  readonly firstSeq: number
  /** What the commits that are asked for add to the sums of their hours. */
  readonly activity: readonly ActivityRow[]
}

export interface FoldedKey {
  readonly type: 'key'
  readonly row: KeyRow
}

export interface FoldedSchedule {
  readonly type: 'schedule'
  readonly row: ScheduleRow
}

export type FoldedStream =
  | FoldedTask
  | FoldedKey
  | FoldedSchedule
  /** No commit up to there, or the stream is in an archive; what is still in the log of that counts in the sums of hours. */
  | { readonly type: 'nothing'; readonly activity: readonly ActivityRow[] }
  | UnreadableStream

/** No code of ours can read it from a place on: what its rows should be is not known, and those of what came before are the nearest. */
export interface UnreadableStream {
  readonly type: 'unreadable'
  readonly position: string
  readonly message: string
  readonly before: FoldedTask | FoldedKey | FoldedSchedule | undefined
}

export interface FoldScope {
  readonly plans: (hash: TemplateHash) => Plan | undefined
  /** Commits of a partition with a higher seq do not count. */
  readonly upTo: ReadonlyMap<Partition, number>
  /** Whose activity is wanted; of none when undefined. */
  readonly counts?: ((commit: StoredCommit) => boolean) | undefined
}

/** Takes the commits of one stream in order. */
export class StreamFold {
  readonly stream: StreamRef
  readonly #scope: FoldScope
  #task: TaskState = NO_TASK
  #plan: Plan | undefined
  #key: KeyState = NO_KEY
  #keyRow: Pick<KeyRow, 'namespace' | 'queue'> | undefined
  #schedule: ScheduleState = NO_SCHEDULE
  #scheduleRow: Pick<ScheduleRow, 'namespace' | 'name'> | undefined
  #version = 0
  #first: StoredCommit | undefined
  #archived = false
  #archivedLater = false
  #unreadable: Omit<UnreadableStream, 'before'> | undefined
  readonly #activity: ActivityRow[] = []

  constructor(stream: StreamRef, scope: FoldScope) {
    this.stream = stream
    this.#scope = scope
  }

  add(commit: StoredCommit): void {
    const isTombstone = commit.types.includes(TASK_ARCHIVED)
    if (commit.seq > (this.#scope.upTo.get(commit.partition) ?? 0)) {
      this.#archivedLater ||= isTombstone
      return
    }
    this.#archived ||= isTombstone
    if (this.#archived || this.#unreadable !== undefined) return
    this.#first ??= commit
    try {
      if (commit.firstVersion !== this.#version + 1)
        throw new Error(`its history goes from version ${this.#version} to ${commit.firstVersion}`)
      if (commit.stream.kind === 'key') this.#addKey(commit)
      else if (commit.stream.kind === 'schedule') this.#addSchedule(commit)
      else this.#addTask(commit)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      this.#unreadable = { type: 'unreadable', position: `${commit.partition}:${commit.seq}`, message }
    }
  }

  /** It went into an archive after the seq it is folded to: what was there before cannot be known any more. */
  get archivedLater(): boolean {
    return this.#archivedLater
  }

  result(): FoldedStream {
    if (this.#archived) return { type: 'nothing', activity: this.#activity }
    const readable = this.#readable()
    return this.#unreadable === undefined
      ? (readable ?? { type: 'nothing', activity: [] })
      : { ...this.#unreadable, before: readable }
  }

  #readable(): FoldedTask | FoldedKey | FoldedSchedule | undefined {
    if (this.#scheduleRow !== undefined)
      return { type: 'schedule', row: { ...this.#scheduleRow, streamVersion: this.#version, state: this.#schedule } }
    if (this.#keyRow !== undefined)
      return { type: 'key', row: { ...this.#keyRow, streamVersion: this.#version, state: this.#key } }
    const taskId = parseTaskId(this.stream.id)
    if (this.#task.type !== 'task' || taskId === undefined || this.#first === undefined) return undefined
    const { partition, seq: firstSeq } = this.#first
    return {
      type: 'task',
      taskId,
      state: this.#task,
      version: this.#version,
      partition,
      firstSeq,
      activity: this.#activity,
    }
  }

  /** All of a commit or nothing of it. */
  #addTask(commit: StoredCommit): void {
    const events = decodeTaskEvents(commit).map(({ event }) => event)
    let task = this.#task
    for (const event of events) {
      if (event.type === 'task.submitted') this.#plan = this.#scope.plans(event.templateHash)
      if (this.#plan === undefined) throw new Error('its template is not in the log')
      task = evolve(task, event, commit.at, this.#plan)
    }
    this.#task = task
    this.#version += events.length
    if (task.type === 'task' && this.#scope.counts?.(commit) === true)
      this.#activity.push(...activityRows(events, commit.at, task))
  }

  #addKey(commit: StoredCommit): void {
    const events = decodeKeyEvents(commit)
    this.#key = events.reduce((key, event) => keyStream.evolve(key, event, commit.at), this.#key)
    this.#version += events.length
    this.#keyRow ??= keyOfStream(commit)
  }

  #addSchedule(commit: StoredCommit): void {
    const events = decodeScheduleEvents(commit)
    this.#schedule = events.reduce((schedule, event) => evolveSchedule(schedule, event, commit.at), this.#schedule)
    this.#version += events.length
    this.#scheduleRow ??= scheduleOfStream(commit)
  }
}

/** The streams of commits that come stream by stream, each folded when it is complete. */
export async function* foldStreams(pages: AsyncIterable<readonly StoredCommit[]>, scope: FoldScope): AsyncGenerator<StreamFold> {
  let fold: StreamFold | undefined
  for await (const page of pages) {
    for (const commit of page) {
      if (fold !== undefined && fold.stream.id !== commit.stream.id) {
        yield fold
        fold = undefined
      }
      fold ??= new StreamFold(commit.stream, scope)
      fold.add(commit)
    }
  }
  if (fold !== undefined) yield fold
}
