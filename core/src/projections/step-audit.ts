/** The audit of one step: every change of its state, folded from the task's history with who and what caused it. */
import type { Instant } from '../kernel/instant.js'
import type { StepId, WorkerId } from '../kernel/ids.js'
import type { JsonText } from '../kernel/json.js'
import type { Plan } from '../template/plan.js'
import type { TaskEvent } from '../task/events.js'
import { evolve } from '../task/evolve.js'
import type { Failure } from '../task/failure.js'
import type { RecordedTaskEvent } from '../task/recorded.js'
import { NO_TASK, type StepState, type StepStatus, type TaskState } from '../task/state.js'

export interface StepAuditEntry {
  readonly version: number
  readonly event: TaskEvent['type']
  readonly recordedAt: Instant
  readonly actor: string
  /** Who ran the attempt that this is about. */
  readonly workerId: WorkerId | undefined
  readonly fromState: StepStatus | undefined
  readonly toState: StepStatus
  readonly attempt: number | undefined
  /** Undefined where neither an attempt nor the step ended. */
  readonly success: boolean | undefined
  /** How long the attempt that ended here ran. */
  readonly executionTimeMs: number | undefined
  readonly result: JsonText | undefined
  readonly failure: Failure | undefined
  readonly reason: string | undefined
  /** Who did it by hand, as the caller said. */
  readonly by: string | undefined
  readonly metadata: JsonText | undefined
}

/** Reads a history in order; each event gives an entry when it is about the step. */
export class StepAudit {
  readonly #step: StepId
  readonly #plan: Plan
  #task: TaskState = NO_TASK

  constructor(step: StepId, plan: Plan) {
    this.#step = step
    this.#plan = plan
  }

  add({ version, at, event, cause }: RecordedTaskEvent): StepAuditEntry | undefined {
    const before = this.#stepNow()
    this.#task = evolve(this.#task, event, at, this.#plan)
    const after = this.#stepNow()
    if (after === undefined || !this.#isAbout(event)) return undefined
    return {
      version,
      event: event.type,
      recordedAt: at,
      actor: cause.actor,
      workerId: workerOf(before) ?? workerOf(after),
      fromState: before?.status,
      toState: after.status,
      attempt: 'attempt' in event ? event.attempt : undefined,
      success: successOf(event),
      executionTimeMs: executionTime(event, before, at),
      result: 'output' in event ? event.output : undefined,
      failure: 'permanent' in event ? after.lastFailure : undefined,
      reason: 'reason' in event ? event.reason : undefined,
      by: 'by' in event ? event.by : undefined,
      metadata: 'metadata' in event ? event.metadata : undefined,
    }
  }

  #stepNow(): StepState | undefined {
    const task = this.#task
    return task.type === 'task' ? task.steps[task.graph.indexOf.get(this.#step) ?? -1] : undefined
  }

  #isAbout(event: TaskEvent): boolean {
    if (event.type === 'steps.created') return event.steps.includes(this.#step)
    return 'step' in event && event.step === this.#step
  }
}

const workerOf = (step: StepState | undefined): WorkerId | undefined =>
  step !== undefined && 'worker' in step ? step.worker : undefined

const successOf = (event: TaskEvent): boolean | undefined => {
  if ('output' in event || event.type === 'step.resolved_manually') return true
  return 'permanent' in event || event.type === 'step.cancelled' ? false : undefined
}

/** Only the end of a running attempt says how long it ran. */
const executionTime = (event: TaskEvent, before: StepState | undefined, at: Instant): number | undefined =>
  before?.status === 'in_progress' && successOf(event) !== undefined ? at - before.since : undefined
