/** The rows that folds of a task become. Every row of a task is a function of its state, so a rebuild gives the same rows. */
import type { Instant } from '../kernel/instant.js'
import type { HandlerName, Namespace, StepId, TaskId, WorkerId } from '../kernel/ids.js'
import type { JsonText } from '../kernel/json.js'
import type { TaskStatus } from '../task/status.js'

/** The read model of one task: what lists filter by, and its steps as a document without contexts and outputs. */
export interface TaskRow {
  readonly taskId: TaskId
  readonly namespace: Namespace
  readonly name: string
  readonly version: string
  readonly status: TaskStatus
  readonly priority: number
  readonly tags: readonly string[]
  readonly initiator: string | undefined
  readonly sourceSystem: string | undefined
  readonly reason: string | undefined
  readonly correlationId: string
  readonly createdAt: Instant
  readonly updatedAt: Instant
  readonly endedAt: Instant | undefined
  /** Version of the last event folded in. */
  readonly streamVersion: number
  /** `[{step_id, status, attempts, attempts_since_reset, …}]`, as `workflow_steps` shows them less their outputs. */
  readonly steps: JsonText
}

/** A step that waits for a worker. */
export interface ReadyRow {
  readonly taskId: TaskId
  readonly step: StepId
  readonly attempt: number
  readonly namespace: Namespace
  /** The queue's key together with the namespace: `callable`, or `callable#method`. */
  readonly handler: HandlerName
  readonly priority: number
  readonly readyAt: Instant
}

export type TimerKind = 'run_at' | 'retry' | 'step_timeout' | 'cancel_grace'

/** A wake-up. `step_timeout` rows also tell a recovering server which attempts are out, and with whom. */
export interface TimerRow {
  readonly taskId: TaskId
  readonly kind: TimerKind
  /** Undefined for timers of the task itself. */
  readonly step: StepId | undefined
  /** 0 for timers of the task itself. */
  readonly attempt: number
  readonly dueAt: Instant
  readonly worker: WorkerId | undefined
}
