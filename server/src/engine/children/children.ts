/**
 * Tasks and their children: what one has to say to the other, said until it is answered.
 *
 * R1  A child is submitted for a durable `child.started` only, and always as the task that this names: however often that is repeated, it
 *     is one task. What refuses it for good is its end.
 * R2  The end of a child is told its parent until the parent has it, refuses it, or is gone. The parent takes it once.
 * R3  A child that goes with its parent is cancelled once that is over, or has let go of it.
 * R4  What is to be said follows from the two durable states alone, and each task that may have something to say has a `linked` row: so a
 *     start says what a crash left unsaid. Until it has, no task is archived that may have to be told of.
 */
import {
  type DurationMs,
  durationMs,
  holdsChild,
  isLinked,
  isTerminal,
  LIMITS,
  type LiveTask,
  type ParentLink,
  type TaskCommand,
  type TaskId,
} from '@tasker/core'
import { inBackground } from '../../background.js'
import { fifo } from '../../fifo.js'
import type { Submission, SubmitAnswer } from '../api.js'
import { engineCause } from '../attempt-command.js'
import type { Clock } from '../clock.js'
import type { Found, StreamLoader } from '../stream-loader.js'
import type { Applied, TaskRuntime } from '../task-runtime.js'
import { durableTask, type TaskCommit, type TaskStream } from '../task-stream.js'
import { childOutcome, refusedOutcome } from './child-outcome.js'
import { type Begun, childFault, childSubmission, depthBelow } from './child-task.js'

export interface ChildrenParts {
  readonly loader: StreamLoader
  readonly runtime: TaskRuntime
  readonly clock: Clock
  readonly submit: (submission: Submission, answer: (answer: SubmitAnswer) => void) => void
  /** Tasks with a `linked` row, in order, after one of them. */
  readonly linked: (after: TaskId | undefined, limit: number) => Promise<readonly TaskId[]>
  /** What running steps of a child get to finish. */
  readonly cancelGraceMs: DurationMs
  /** There is too much to say, or no longer. */
  readonly behind: (behind: boolean) => void
}

/** `done` is called when it is said, or needs saying no more. */
type Errand = (done: () => void) => void

/** Between two tries of what did not go just now. */
const RETRY_MS = durationMs(1_000)
/** Rows that one read of a start brings. */
const PAGE_MAX = 1_000

export class Children {
  readonly #parts: ChildrenParts
  readonly #waiting = fifo<Errand>()
  readonly #untold = new Map<TaskId, number>()
  #underWay = 0
  #running = false
  #behind = false
  #scanned = false
  #stopped = false

  constructor(parts: ChildrenParts) {
    this.#parts = parts
  }

  /** Errands that are not done. */
  get backlog(): number {
    return this.#waiting.length + this.#underWay
  }

  /** R4: whether what the archive takes may be needed still. */
  needs(taskId: TaskId): boolean {
    return !this.#scanned || this.#untold.has(taskId)
  }

  stop(): void {
    this.#stopped = true
    this.#waiting.clear()
  }

  /** R4. */
  start(): void {
    inBackground(this.#scan(undefined))
  }

  async #scan(after: TaskId | undefined): Promise<void> {
    let last = after
    try {
      while (!this.#stopped) {
        const page = await this.#parts.linked(last, PAGE_MAX)
        if (page.length === 0) break
        await Promise.all(page.map((taskId) => this.#checked(taskId)))
        last = page.at(-1)
      }
      this.#scanned = true
    } catch {
      this.#later(() => inBackground(this.#scan(last)))
    }
  }

  #checked(taskId: TaskId): Promise<void> {
    return new Promise((resolve) => {
      this.#add((done) =>
        this.#check(taskId, () => {
          done()
          resolve()
        }),
      )
    })
  }

  /** A commit is durable: what follows from it for others. */
  committed({ stream: { taskId }, state, events }: Pick<TaskCommit, 'stream' | 'state' | 'events'>): void {
    for (const event of events) {
      if (event.type === 'child.started') this.#add((done) => this.#begin(taskId, event.key, done))
      if (event.type === 'child.ended' && event.outcome.type === 'cancelled') this.#add((done) => this.#close(event.taskId, done))
    }
    if (!isTerminal(state.phase)) return
    for (const child of state.journal?.children.values() ?? [])
      if (child.onClose === 'cancel') this.#add((done) => this.#close(child.taskId, done))
    if (state.submitted.parent !== undefined) this.#addTell(taskId)
  }

  #addTell(child: TaskId): void {
    this.#untold.set(child, (this.#untold.get(child) ?? 0) + 1)
    this.#add((done) =>
      this.#tell(child, () => {
        const left = (this.#untold.get(child) ?? 1) - 1
        if (left > 0) this.#untold.set(child, left)
        else this.#untold.delete(child)
        done()
      }),
    )
  }

  #add(errand: Errand): void {
    if (this.#stopped) return
    this.#waiting.push(errand)
    this.#tellBehind()
    this.#run()
  }

  #run(): void {
    if (this.#running) return
    this.#running = true
    while (this.#underWay < LIMITS.childErrandsMax) {
      const errand = this.#waiting.shift()
      if (errand === undefined) break
      this.#underWay++
      errand(once(() => this.#done()))
    }
    this.#running = false
  }

  #done(): void {
    this.#underWay--
    this.#tellBehind()
    this.#run()
  }

  #tellBehind(): void {
    const behind = this.backlog > LIMITS.childErrandsWaitingMax
    if (behind === this.#behind) return
    this.#behind = behind
    this.#parts.behind(behind)
  }

  /** Everything that a task may have to say, as a parent and as a child. */
  #check(taskId: TaskId, done: () => void): void {
    this.#find(taskId, done, (stream) => {
      const task = durableTask(stream)
      if (task === undefined || !isLinked(task)) return done()
      const keys = [...(task.journal?.children.keys() ?? [])]
      let left = keys.length + 1
      const one = (): void => {
        left--
        if (left === 0) done()
      }
      for (const key of keys) this.#begin(taskId, key, one)
      this.#close(taskId, one)
    })
  }

  /** R1. */
  #begin(parentId: TaskId, key: string, done: () => void): void {
    this.#find(parentId, done, (stream) => {
      const parent = durableTask(stream)
      const begun = parent && begunBy(parentId, parent, key)
      if (parent === undefined || begun === undefined) return done()
      const fault = childFault(begun)
      if (fault !== undefined) return this.#refused(begun, fault, done)
      this.#parts.submit(childSubmission(parent, begun), (answer) => {
        if (answer.type !== 'failed') return this.#begunOrOver(begun.taskId, done)
        if (answer.fault.retryable === true) this.#later(() => this.#begin(parentId, key, done))
        else if (answer.fault.reason === 'IDEMPOTENCY_MISMATCH') this.#begunOrOver(begun.taskId, done)
        else this.#refused(begun, answer.fault, done)
      })
    })
  }

  #refused({ taskId, link }: Begun, fault: Extract<SubmitAnswer, { type: 'failed' }>['fault'], done: () => void): void {
    const { key } = link
    const outcome = refusedOutcome(fault)
    this.#order(link.taskId, (at) => ({ type: 'child_over', at, key, taskId, outcome }), done)
  }

  /** It may have been there, and be over; or its parent ended meanwhile. */
  #begunOrOver(child: TaskId, done: () => void): void {
    this.#find(child, done, (stream) => {
      const task = durableTask(stream)
      if (task !== undefined && isTerminal(task.phase)) this.#tell(child, done)
      else this.#close(child, done)
    })
  }

  /** R2. */
  #tell(child: TaskId, done: () => void): void {
    this.#find(child, done, (stream) => {
      const task = durableTask(stream)
      const parent = task?.submitted.parent
      const outcome = task && childOutcome(task)
      if (parent === undefined || outcome === undefined) return done()
      this.#order(parent.taskId, (at) => ({ type: 'child_over', at, key: parent.key, taskId: child, outcome }), done)
    })
  }

  /** R3. */
  #close(child: TaskId, done: () => void): void {
    this.#find(child, done, (stream) => {
      const task = durableTask(stream)
      const link = task?.submitted.parent
      if (task === undefined || link === undefined || link.onClose !== 'cancel' || isTerminal(task.phase)) return done()
      this.#find(
        link.taskId,
        (found) => (found.type === 'failed' ? done() : this.#cancel(child, link, done)),
        (parent) => {
          const state = durableTask(parent)
          if (state !== undefined && holdsChild(state, link, child)) done()
          else this.#cancel(child, link, done)
        },
      )
    })
  }

  #cancel(child: TaskId, { taskId }: ParentLink, done: () => void): void {
    const reason = `task ${taskId}, which began it, waits for it no more`
    const graceMs = this.#parts.cancelGraceMs
    this.#order(child, (at) => ({ type: 'cancel', at, reason, graceMs }), done)
  }

  /** A refusal is an answer: the task is over, or has it already. */
  #order(taskId: TaskId, command: (at: TaskCommand['at']) => TaskCommand, done: () => void): void {
    this.#find(taskId, done, (stream) => {
      const order = command(this.#parts.runtime.now(stream))
      this.#parts.runtime.apply(stream, order, { cause: engineCause(order.type) }, (applied) => {
        if (isToRepeat(applied)) this.#later(() => this.#order(taskId, command, done))
        else done()
      })
    })
  }

  /** `none` where there is no task to be had: it never was, it is archived, or it cannot be folded. */
  #find(taskId: TaskId, none: (found: Found) => void, call: (stream: TaskStream) => void): void {
    this.#parts.loader.find(taskId, (found) => {
      if (found.type === 'stream') call(found.stream)
      else if (isAway(found)) this.#later(() => this.#find(taskId, none, call))
      else none(found)
    })
  }

  #later(call: () => void): void {
    this.#parts.clock.after(RETRY_MS, () => (this.#stopped ? undefined : call()))
  }
}

const isAway = (found: Found): boolean => found.type === 'failed' && found.fault.detail.retryable === true

/** What the log refuses for its content it will refuse again. */
const isToRepeat = (applied: Applied): boolean => applied.type === 'lost' && applied.settled.reason !== 'refused'

/** The child that a durable task began and waits for, or that outlives it. */
const begunBy = (parentId: TaskId, parent: LiveTask, key: string): Begun | undefined => {
  const { journal } = parent
  const child = journal?.children.get(key)
  if (journal === undefined || child === undefined) return undefined
  const { taskId, namespace, name, version, input, onClose } = child
  if (isTerminal(parent.phase) && onClose === 'cancel') return undefined
  const link: ParentLink = { taskId: parentId, of: 'function', key, round: journal.life, onClose, depth: depthBelow(parent) }
  return { taskId, namespace, name, version, input, link }
}

const once = (call: () => void): (() => void) => {
  let called = false
  return () => {
    if (called) return
    called = true
    call()
  }
}
