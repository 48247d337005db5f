/** The rows that folds of a task become. Every row of a task is a function of its state, so a rebuild gives the same rows. */
import type { Instant } from '../kernel/instant.js'
import type { HandlerName, Namespace, StepId, TaskId, WorkerId } from '../kernel/ids.js'
import type { JsonText } from '../kernel/json.js'
import type { KeyLimit } from '../key/key.js'
import type { QueueName } from '../queue/name.js'
import type { DeadLetterReason, DeadLetterStatus } from '../task/letters/dead-letter.js'
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
  /** Whose workers run it: `callable`, or `callable#method`. */
  readonly handler: HandlerName
  /** Where it waits, within its namespace. */
  readonly queue: QueueName
  /** The places of the key it waits for; undefined when it waits for a worker. */
  readonly gate: KeyLimit | undefined
  /** Whose turn it takes: the steps of a queue are served in turns between the values. Empty without one. */
  readonly fairnessKey: string
  /** The task's priority and the step's own, within -100 and 100. */
  readonly priority: number
  readonly readyAt: Instant
  /** Its place among the steps of its fairness key: priority with ageing; lower goes first. */
  readonly rank: number
}

/** One entry of the dead letters. */
export interface DeadLetterRow {
  readonly taskId: TaskId
  readonly entry: number
  readonly namespace: Namespace
  readonly name: string
  readonly version: string
  readonly reason: DeadLetterReason
  readonly status: DeadLetterStatus
  readonly originalState: string
  /** The step it is about, where it is about one. */
  readonly step: StepId | undefined
  readonly openedAt: Instant
  readonly resolvedAt: Instant | undefined
  readonly resolvedBy: string | undefined
  readonly notes: string | undefined
  readonly metadata: JsonText | undefined
  readonly snapshot: JsonText
}

export type TimerKind =
  | 'run_at'
  | 'retry'
  | 'step_timeout'
  | 'heartbeat'
  | 'schedule_to_start'
  | 'schedule_to_close'
  | 'cancel_grace'
  | 'staleness'
  | 'function'
  | 'linked'
  | 'child_timeout'

/**
 * A wake-up. `step_timeout` rows also tell a recovering server which attempts are out, and with whom; `heartbeat` rows wake nobody: they tell
 * it which of those must be heard of, and are due as long after the `step_timeout` as the handler may be silent. A `function` row stands for all timers
 * of a durable function: the first of them is due then. A `linked` row is never due: it tells a recovering server that the task has children that
 * did not end, or a parent that may end before it.
 */
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
