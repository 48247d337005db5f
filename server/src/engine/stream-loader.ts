/** Folds a task's stream from the log into memory; commands that come meanwhile wait in order. */
import {
  type ArchivedTask,
  archivedTask,
  evolve,
  latest,
  NO_TASK,
  partitionOfTask,
  type Plan,
  type TaskId,
  type TaskState,
  type TemplateHash,
} from '@tasker/core'
import { inBackground } from '../background.js'
import { Fault } from '../faults.js'
import { decodeTaskEvents } from '../log/codec.js'
import { type EventLog, type StoredCommit, TASK_ARCHIVED } from '../log/port.js'
import type { Quarantine } from './quarantine.js'
import type { StreamCache } from './stream-cache.js'
import { newStream, streamBytes, type TaskStream } from './task-stream.js'

/** What a caller gets: the stream, nothing when there is no such task, where it lies when it is archived, or why it cannot be had. */
export type Found =
  | { readonly type: 'stream'; readonly stream: TaskStream }
  | { readonly type: 'none' }
  | { readonly type: 'archived'; readonly task: ArchivedTask }
  | { readonly type: 'failed'; readonly fault: Fault }

export class StreamLoader {
  readonly #log: EventLog
  readonly #cache: StreamCache
  readonly #quarantine: Quarantine
  readonly #plans: (hash: TemplateHash) => Plan | undefined
  readonly #loading = new Map<TaskId, ((found: Found) => void)[]>()

  constructor(log: EventLog, cache: StreamCache, quarantine: Quarantine, plans: (hash: TemplateHash) => Plan | undefined) {
    this.#log = log
    this.#cache = cache
    this.#quarantine = quarantine
    this.#plans = plans
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
      else if (found.type === 'failed' || found.type === 'archived') call(found)
      else if (this.#cache.get(taskId) !== undefined || found.type === 'stream') this.find(taskId, call)
      else call(found)
    }
  }

  async #read(taskId: TaskId): Promise<Found> {
    const stream = newStream(taskId, partitionOfTask(taskId, this.#log.partitionCount))
    const fold: { state: TaskState; plan: Plan | undefined; chars: number } = { state: NO_TASK, plan: undefined, chars: 0 }
    const commits = await this.#commits(taskId)
    if (commits instanceof Fault) return { type: 'failed', fault: commits }
    const last = commits.at(-1)
    const folded = last?.types[0] === TASK_ARCHIVED ? [last] : commits
    for (const commit of folded) {
      try {
        this.#fold(stream, fold, commit)
      } catch (error) {
        return { type: 'failed', fault: this.#quarantine.add(taskId, commit, error) }
      }
    }
    if (fold.state.type === 'none') return { type: 'none' }
    if (fold.state.type === 'archived') return { type: 'archived', task: fold.state }
    stream.state = fold.state
    stream.durableState = fold.state
    stream.durableVersion = stream.version
    stream.bytes = streamBytes(fold.state, fold.chars)
    stream.storedRows = 'unknown'
    return { type: 'stream', stream }
  }

  async #commits(taskId: TaskId): Promise<readonly StoredCommit[] | Fault> {
    try {
      const commits: StoredCommit[] = []
      for await (const page of this.#log.readStream({ kind: 'task', id: taskId }, 1)) commits.push(...page)
      return commits
    } catch (error) {
      return new Fault(
        {
          code: 'UNAVAILABLE',
          reason: 'DATABASE_UNAVAILABLE',
          message: 'the event log cannot be read just now',
          hint: 'try again in a moment; nothing is lost',
          retryable: true,
          retryAfterMs: 1_000,
        },
        error,
      )
    }
  }

  #fold(stream: TaskStream, fold: { state: TaskState; plan: Plan | undefined; chars: number }, commit: StoredCommit): void {
    const events = decodeTaskEvents(commit)
    const [first] = events
    // Whatever is still there of what came before it.
    if (first?.event.type === TASK_ARCHIVED) {
      fold.state = archivedTask(first.event, commit.at)
      return
    }
    if (commit.firstVersion !== stream.version + 1)
      throw new Error(`its history goes from version ${stream.version} to ${commit.firstVersion}`)
    for (const { event } of events) {
      if (event.type === 'task.submitted') fold.plan = this.#plans(event.templateHash)
      if (fold.plan === undefined) throw new Error('its template is not in the log')
      fold.state = evolve(fold.state, event, commit.at, fold.plan)
      stream.version++
    }
    stream.lastHash = commit.hash
    stream.lastAt = latest(stream.lastAt, commit.at)
    fold.chars += commit.text.length
  }
}
