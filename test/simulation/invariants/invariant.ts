/**
 * What an invariant is: it is shown every commit in the moment it is durable, everything that leaves a server, and the world at rest, and says what is
 * wrong the moment it sees it. Each keeps the little of the history that it needs, apart from the state that the engine keeps.
 */
import type { LiveTask, RecordedTaskEvent, StepId, TaskEvent, TaskId, WorkerId } from '@tasker/core'
import type { FunctionDefinition } from '@tasker/sdk'
import type { AttemptRef, ResultAck } from '@tasker/server/internal/engine/api'
import type { RunningEngine } from '@tasker/server/internal/engine/engine'
import type { EventLog } from '@tasker/server/internal/log/port'
import type { MemoryStore } from '@tasker/server/internal/projections/memory-store'
import type { DomainMessage } from '@tasker/server/internal/publishers/message'
import type { RebuiltRows } from '../rebuilt-rows.js'
import type { SeenCommit, Witness } from '../witness.js'

/** Something that leaves a server, or that its worker does with it, in the moment it does. */
export type Sent =
  | { readonly type: 'command'; readonly to: WorkerId; readonly ref: AttemptRef }
  | { readonly type: 'ack'; readonly to: WorkerId; readonly ack: ResultAck }
  /** A client hears that its task is taken. */
  | { readonly type: 'taken'; readonly taskId: TaskId }
  /** An answer with the place of what it did. */
  | { readonly type: 'done'; readonly token: string }
  /** A worker runs so many attempts that it was given and that were not taken away. */
  | { readonly type: 'runs'; readonly worker: WorkerId; readonly attempts: number; readonly slots: number }
  /** An attempt begins where an earlier one left off, after so many items. */
  | { readonly type: 'begins'; readonly ref: AttemptRef; readonly items: number }
  | { readonly type: 'read'; readonly taskId: TaskId; readonly version: number; readonly state: LiveTask }
  /** A client hears that its signal is there. */
  | { readonly type: 'signalled'; readonly taskId: TaskId; readonly requestId: string }
  /** An operator hears of an order to a schedule, and sees it at this version. */
  | { readonly type: 'scheduled'; readonly name: string; readonly version: number }
  /** Nothing goes wrong for a while by now: what schedules are to do is done. */
  | { readonly type: 'schedules_served'; readonly now: number; readonly servesSince: number }
  /** A worker is told what stands in the journal of a function behind the first so many facts of a life. */
  | {
      readonly type: 'told'
      readonly ref: AttemptRef
      readonly life: number
      readonly from: number
      readonly facts: readonly string[]
    }
  /** The code of a function saw a value, as JSON text, at one place in one of its lives; or took a signal there. */
  | { readonly type: 'saw'; readonly taskId: TaskId; readonly place: string; readonly value: string }
  | { readonly type: 'took'; readonly taskId: TaskId; readonly place: string; readonly name: string; readonly signal: string }

/** What a worker holds at rest. */
export interface WorkerHolds {
  readonly name: string
  readonly unacknowledged: readonly AttemptRef[]
}

/** The world at rest, after the faults have stopped. */
export interface AtRest {
  readonly engine: RunningEngine
  readonly log: EventLog
  /** Its servers seal what they write. */
  readonly isSealed: boolean
  readonly store: MemoryStore
  readonly rebuilt: RebuiltRows
  readonly acknowledged: readonly TaskId[]
  /** What arrived at the transport, in order. */
  readonly published: readonly DomainMessage[]
  readonly workers: readonly WorkerHolds[]
  /** The code of durable functions, by name. */
  readonly functions: ReadonlyMap<string, FunctionDefinition>
  /** The wall clock. */
  readonly now: number
  /** Since when by it the server answers. */
  readonly servesSince: number
}

export interface Invariant {
  /** A commit is durable. */
  readonly commit?: (commit: SeenCommit) => void
  readonly sent?: (sent: Sent) => void
  /** Servers go on; what is compared has to be compared at once, or by its version. */
  readonly quiet?: (world: Pick<AtRest, 'store' | 'rebuilt'>) => Promise<void>
  readonly rest?: (world: AtRest) => void | Promise<void>
}

/** Says what is wrong, and with which task. */
export type Violated = (what: string, taskId?: TaskId) => void

export type InvariantOf = (violated: Violated, witness: Witness) => Invariant

/** An event of a task with everything that is known in the moment it is durable. */
export interface EventOfTask {
  readonly taskId: TaskId
  readonly event: TaskEvent
  readonly recorded: RecordedTaskEvent
  /** The task after the whole commit. */
  readonly after: LiveTask
  /** Of the commit: who holds the attempt whose result it is. */
  readonly worker: string | undefined
  /** Compensation has begun: attempts from here on are those of ways back. */
  readonly takingBack: boolean
}

/** For invariants that look at one task, event by event, and keep something about each task. */
export const eachEvent = <Kept>(begin: (taskId: TaskId) => Kept, look: (event: EventOfTask, kept: Kept) => void): Invariant => {
  const tasks = new Map<TaskId, { readonly kept: Kept; takingBack: boolean }>()
  return {
    commit: ({ stored, task }) => {
      if (task === undefined) return
      const { taskId, after } = task
      let known = tasks.get(taskId)
      if (known === undefined) {
        known = { kept: begin(taskId), takingBack: false }
        tasks.set(taskId, known)
      }
      for (const recorded of task.events) {
        const { event } = recorded
        if (event.type === 'compensation.started') known.takingBack = true
        look({ taskId, event, recorded, after, worker: stored.worker, takingBack: known.takingBack }, known.kept)
      }
    },
  }
}

/** The step has a result, its worker's or a person's. */
export const isDone = (event: TaskEvent): event is Extract<TaskEvent, { readonly type: `step.completed${'' | '_manually'}` }> =>
  event.type === 'step.completed' || event.type === 'step.completed_manually'

/** A step is over, whatever came of it; an attempt that will be followed by another ends none. */
export const endsStep = (event: TaskEvent): event is Extract<TaskEvent, { readonly step: StepId }> =>
  isDone(event) ||
  event.type === 'step.cancelled' ||
  event.type === 'step.resolved_manually' ||
  ((event.type === 'step.failed' || event.type === 'step.timed_out') && event.permanent)

/** An attempt is over. */
export const endsAttempt = (event: TaskEvent): event is Extract<TaskEvent, { readonly step: StepId }> =>
  isDone(event) ||
  event.type === 'step.cancelled' ||
  event.type === 'step.resolved_manually' ||
  event.type === 'step.failed' ||
  event.type === 'step.timed_out' ||
  event.type === 'step.released' ||
  event.type === 'step.suspended'

/** The state of a step by its name. */
export const stepNamed = (task: LiveTask, name: string): LiveTask['steps'][number] | undefined =>
  task.steps[task.graph.steps.findIndex((step) => step.name === name)]
