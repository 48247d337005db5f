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
  childOfWorker,
  type ChildOver,
  childWorker,
  type DurationMs,
  durationMs,
  holdsChild,
  type Instant,
  isLinked,
  isTerminal,
  LIMITS,
  type LiveTask,
  type ParentLink,
  type ReadyRow,
  stepChildren,
  type StepId,
  type TaskCommand,
  type TaskEvent,
  type TaskId,
} from '@tasker/core'
import { inBackground } from '../../background.js'
import { fifo } from '../../fifo.js'
import type { FaultDetail } from '../../faults.js'
import type { SchemaCheck } from '../../templates/json-schema.js'
import type { Submission, SubmitAnswer } from '../api.js'
import { engineCause } from '../attempt-command.js'
import type { Clock } from '../clock.js'
import type { Found, StreamLoader } from '../stream-loader.js'
import type { Applied, TaskRuntime } from '../task-runtime.js'
import { durableTask, type TaskCommit, type TaskStream } from '../task-stream.js'
import { type ChildRef, childToBegin } from './begun.js'
import { childOutcome, endOfChild, refusedOutcome } from './child-outcome.js'
import { type Begun, childSubmission, stepChildId } from './child-task.js'

export interface ChildrenParts {
  readonly loader: StreamLoader
  readonly runtime: TaskRuntime
  readonly clock: Clock
  readonly submit: (submission: Submission, answer: (answer: SubmitAnswer) => void) => void
  /** Tasks with a `linked` row, in order, after one of them. */
  readonly linked: (after: TaskId | undefined, limit: number) => Promise<readonly TaskId[]>
  /** What running steps of a child get to finish. */
  readonly cancelGraceMs: DurationMs
  /** A draw from [0, 1), for jitter. */
  readonly draw: () => number
  readonly check: SchemaCheck
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
      if (event.type === 'child.started') this.#addBegin(taskId, { of: 'function', key: event.key, round: 0 })
      if (event.type === 'child.ended' && event.outcome.type === 'cancelled') this.#add((done) => this.#close(event.taskId, done))
    }
    if (state.plan.delegates) this.#stepsMoved(taskId, state, events)
    if (!isTerminal(state.phase)) return
    for (const child of state.journal?.children.values() ?? [])
      if (child.onClose === 'cancel') this.#add((done) => this.#close(child.taskId, done))
    if (state.submitted.parent !== undefined) this.#addTell(taskId)
  }

  /** Attempts whose work are tasks: they begin with them, and end for them. */
  #stepsMoved(taskId: TaskId, state: LiveTask, events: readonly TaskEvent[]): void {
    const letGo = (step: StepId, attempt: number): void =>
      this.#add((done) => this.#close(stepChildId({ taskId, step, attempt }), done))
    for (const event of events) {
      if (event.type === 'step.started' && childOfWorker(event.worker) !== undefined)
        this.#addBegin(taskId, { of: 'step', key: event.step, round: event.attempt })
      if (event.type === 'step.timed_out') letGo(event.step, event.attempt)
      if (isClosing(event)) letGo(event.step, state.steps[state.graph.indexOf.get(event.step) ?? -1]?.attempts ?? 0)
      if (event.type === 'task.cancel_requested') for (const { step, attempt } of stepChildren(state)) letGo(step, attempt)
    }
  }

  #addBegin(parent: TaskId, ref: ChildRef): void {
    this.#add((done) => this.#begin(parent, ref, done))
  }

  /** A step whose work is a task is ready: it starts at once, unless its task is paused or the step is over. */
  ready({ taskId, step, attempt }: ReadyRow): void {
    const worker = childWorker(stepChildId({ taskId, step, attempt }))
    this.#add((done) => this.#order(taskId, (at) => ({ type: 'start', at, step, attempt, worker }), done))
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
      const refs: ChildRef[] = [
        ...[...(task.journal?.children.keys() ?? [])].map((key) => ({ of: 'function', key, round: 0 }) as const),
        ...stepChildren(task).map(({ step, attempt }) => ({ of: 'step', key: step, round: attempt }) as const),
      ]
      let left = refs.length + 1
      const one = (): void => {
        left--
        if (left === 0) done()
      }
      for (const ref of refs) this.#begin(taskId, ref, one)
      this.#close(taskId, one)
    })
  }

  /** R1. */
  #begin(parentId: TaskId, ref: ChildRef, done: () => void): void {
    this.#find(parentId, done, (stream) => {
      const parent = durableTask(stream)
      const child = parent && childToBegin(parentId, parent, ref)
      if (parent === undefined || child === undefined) return done()
      const { begun, fault } = child
      if (fault !== undefined) return this.#refused(begun, fault, done)
      this.#parts.submit(childSubmission(parent, begun), (answer) => {
        if (answer.type !== 'failed') return this.#begunOrOver(begun.taskId, done)
        if (answer.fault.retryable === true) this.#later(() => this.#begin(parentId, ref, done))
        else if (answer.fault.reason === 'IDEMPOTENCY_MISMATCH') this.#begunOrOver(begun.taskId, done)
        else this.#refused(begun, answer.fault, done)
      })
    })
  }

  #refused({ taskId, link }: Begun, fault: FaultDetail, done: () => void): void {
    this.#over(link, taskId, refusedOutcome(fault), done)
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
      this.#over(parent, child, outcome, done)
    })
  }

  #over(link: ParentLink, child: TaskId, outcome: ChildOver['outcome'], done: () => void): void {
    const { draw, check } = this.#parts
    this.#order(link.taskId, (at, parent) => endOfChild(parent, { link, child, outcome }, { at, draw: draw(), check }), done)
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
  #order(taskId: TaskId, command: (at: Instant, task: LiveTask | undefined) => TaskCommand, done: () => void): void {
    this.#find(taskId, done, (stream) => {
      const { state } = stream
      const order = command(this.#parts.runtime.now(stream), state.type === 'task' ? state : undefined)
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

/** What ends an attempt without its child. */
const isClosing = (event: TaskEvent): event is Extract<TaskEvent, { readonly type: Closing }> =>
  event.type === 'step.cancelled' || event.type === 'step.resolved_manually' || event.type === 'step.completed_manually'

type Closing = 'step.cancelled' | 'step.resolved_manually' | 'step.completed_manually'

const isAway = (found: Found): boolean => found.type === 'failed' && found.fault.detail.retryable === true

/** What the log refuses for its content it will refuse again. */
const isToRepeat = (applied: Applied): boolean => applied.type === 'lost' && applied.settled.reason !== 'refused'

const once = (call: () => void): (() => void) => {
  let called = false
  return () => {
    if (called) return
    called = true
    call()
  }
}
