/** Strongly consistent reads of single tasks: state, history, news and the end. */
import type { LiveTask, Moment, Plan, RecordedTaskEvent, StepId, TaskId, TemplateHash } from '@tasker/core'
import { Fault, type FaultDetail } from '../faults.js'
import { decodeTaskEvents } from '../log/codec.js'
import type { EventLog } from '../log/port.js'
import type { KeyLine, TaskEventListener, TaskSnapshot } from './api.js'
import { taskArchived } from './archiving.js'
import { databaseUnavailable } from './engine-faults.js'
import { taskAsOf } from './as-of.js'
import { type Followers, type OutcomeCall, outcomeOf } from './followers.js'
import type { Found, StreamLoader } from './stream-loader.js'
import type { TaskRuntime } from './task-runtime.js'
import { durableTask } from './task-stream.js'

export interface ReadParts {
  readonly log: EventLog
  readonly plans: (hash: TemplateHash) => Plan | undefined
  readonly loader: StreamLoader
  readonly runtime: TaskRuntime
  readonly followers: Followers
  readonly keyLines: (taskId: TaskId, task: LiveTask) => ReadonlyMap<StepId, KeyLine>
  /** Throws while nothing may be answered from memory. */
  readonly assertReadable: () => void
}

export class Reads {
  readonly #parts: ReadParts

  constructor(parts: ReadParts) {
    this.#parts = parts
  }

  /** As of the last durable commit; a commit on its way is waited for, so that writers read their own writes. */
  async read(taskId: TaskId): Promise<TaskSnapshot | undefined> {
    const { loader, runtime, assertReadable } = this.#parts
    assertReadable()
    const found = await loader.load(taskId)
    if (found.type === 'failed') throw found.fault
    if (found.type === 'none') return undefined
    if (found.type === 'archived') throw new Fault(taskArchived(taskId, found.task))
    const { stream } = found
    await new Promise<void>((resolve) => runtime.afterPending(stream, () => resolve()))
    assertReadable()
    if (stream.dropped && stream.durableVersion === 0) return undefined
    const state = durableTask(stream)
    if (state === undefined) return undefined
    const snapshot = { taskId, version: stream.durableVersion, state }
    return state.plan.keyed ? { ...snapshot, keyLines: this.#parts.keyLines(taskId, state) } : snapshot
  }

  /** As of a moment of the past, from the durable log: neither the stream in memory nor the cache around it is touched. */
  async readAsOf(taskId: TaskId, moment: Moment): Promise<TaskSnapshot | undefined> {
    const { log, plans, assertReadable } = this.#parts
    assertReadable()
    try {
      const snapshot = await taskAsOf(log, plans, taskId, moment)
      assertReadable()
      return snapshot
    } catch (error) {
      throw await this.#historyFault(taskId, error)
    }
  }

  /** At most so many events, and no more than the largest payloads fill a page with; none means that there are no more. */
  async history(taskId: TaskId, afterVersion: number, limit: number): Promise<readonly RecordedTaskEvent[]> {
    this.#parts.assertReadable()
    const events: RecordedTaskEvent[] = []
    let chars = 0
    try {
      for await (const page of this.#parts.log.readStream({ kind: 'task', id: taskId }, afterVersion + 1)) {
        for (const commit of page) {
          for (const event of decodeTaskEvents(commit)) if (event.version > afterVersion) events.push(event)
          chars += commit.text.length
          if (events.length >= limit || chars >= HISTORY_CHARS_MAX) return events.slice(0, limit)
        }
      }
    } catch (error) {
      throw await this.#historyFault(taskId, error)
    }
    return events
  }

  /** What is there first, then live, without a gap and without a repeat. */
  async follow(taskId: TaskId, afterVersion: number, listener: TaskEventListener): Promise<() => void> {
    let last = afterVersion
    let early: RecordedTaskEvent[] | undefined = []
    const pass = (events: readonly RecordedTaskEvent[]): void => {
      const fresh = events.filter((event) => event.version > last)
      const newest = fresh[fresh.length - 1]
      if (newest === undefined) return
      last = newest.version
      listener.onEvents(fresh)
    }
    const stop = this.#parts.followers.listen(taskId, {
      onEvents: (events) => (early === undefined ? pass(events) : early.push(...events)),
    })
    try {
      for (;;) {
        const page = await this.history(taskId, last, FOLLOW_PAGE_EVENTS)
        pass(page)
        if (page.length === 0 || listener.full?.() === true) break
      }
    } catch (error) {
      stop()
      throw error
    }
    pass(early)
    early = undefined
    return stop
  }

  awaitOutcome(taskId: TaskId, call: OutcomeCall): () => void {
    const { followers, loader } = this.#parts
    const stop = followers.awaitOutcome(taskId, call)
    loader.find(taskId, (found) => {
      if (found.type === 'stream') {
        const task = durableTask(found.stream)
        if (task !== undefined && outcomeOf(taskId, task) !== undefined) followers.settled(taskId, task)
      } else followers.failedOne(taskId, call, faultOf(taskId, found))
    })
    return stop
  }

  /** A history that cannot be decoded is a quarantined one; loading the stream says so with its position. */
  async #historyFault(taskId: TaskId, error: unknown): Promise<unknown> {
    if (error instanceof Fault) return error
    const found = await this.#parts.loader.load(taskId)
    if (found.type === 'archived') return new Fault(taskArchived(taskId, found.task))
    return found.type === 'failed' ? found.fault : new Fault(databaseUnavailable, error)
  }
}

/** Characters of events after which a read of a history ends, whatever was asked for. */
const HISTORY_CHARS_MAX = 8 * 1024 * 1024

/** Why there is no task to wait for. */
const faultOf = (taskId: TaskId, found: Exclude<Found, { readonly type: 'stream' }>): FaultDetail => {
  if (found.type === 'failed') return found.fault.detail
  return found.type === 'archived' ? taskArchived(taskId, found.task) : taskNotFound(taskId)
}

/** Events of one read while a follower catches up. */
const FOLLOW_PAGE_EVENTS = 500

export const taskNotFound = (taskId: TaskId): FaultDetail => ({
  code: 'NOT_FOUND',
  reason: 'TASK_NOT_FOUND',
  message: `there is no task ${taskId}`,
  retryable: false,
})
