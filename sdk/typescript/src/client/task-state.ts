/** A task and its events as the client shows them. */
import type { Step, StepFailure, Task, TaskEvent as WireEvent } from '@tasker/proto'
import type { Failure } from '../errors/failure.js'
import { payloadValue } from '../step/payload.js'
import type { AsOf } from './task-past.js'

export interface StepState {
  readonly stepId: string
  /** Such as `in_progress`, `waiting_for_retry`, `complete`. */
  readonly status: string
  /** Attempts in all, and those that count against the policy. */
  readonly attempts: number
  readonly attemptsSinceReset: number
  /** The result of a complete step. */
  readonly output: unknown
  readonly lastFailure: Failure | undefined
  readonly nextRetryAt: Date | undefined
  /** Empty when no worker has it. */
  readonly workerId: string
}

export interface TaskState {
  readonly taskId: string
  readonly namespace: string
  readonly name: string
  readonly version: string
  /** Such as `steps_in_process`, `complete`, `blocked_by_failures`. */
  readonly status: string
  /** How many events the task has. */
  readonly streamVersion: number
  readonly createdAt: Date
  readonly updatedAt: Date
  /** What was submitted; undefined in lists. */
  readonly input: unknown
  readonly steps: readonly StepState[]
  readonly correlationId: string
  readonly tags: readonly string[]
  readonly priority: number
  /** Set when a moment of the past was asked for. */
  readonly asOf?: AsOf | undefined
}

export interface TaskEvent {
  /** Place in the task's stream, from 1. */
  readonly version: number
  /** Dotted and past, such as `step.completed`. */
  readonly type: string
  readonly at: Date
  readonly actor: string
  readonly data: unknown
}

export const taskState = (task: Task): TaskState => ({
  taskId: task.taskId,
  namespace: task.namespace,
  name: task.name,
  version: task.version,
  status: task.status,
  streamVersion: task.streamVersion,
  createdAt: new Date(task.createdAtMs),
  updatedAt: new Date(task.updatedAtMs),
  input: task.context === undefined ? undefined : payloadValue(task.context),
  steps: task.steps.map(stepState),
  correlationId: task.correlationId,
  tags: task.tags,
  priority: task.priority,
})

const stepState = (step: Step): StepState => ({
  stepId: step.stepId,
  status: step.status,
  attempts: step.attempts,
  attemptsSinceReset: step.attemptsSinceReset,
  output: step.output === undefined ? undefined : payloadValue(step.output),
  lastFailure: step.lastFailure,
  nextRetryAt: step.nextRetryAtMs === 0 ? undefined : new Date(step.nextRetryAtMs),
  workerId: step.workerId,
})

export const taskEvent = (event: WireEvent): TaskEvent => ({
  version: event.version,
  type: event.type,
  at: new Date(event.atMs),
  actor: event.actor,
  data: payloadValue(event.data),
})

const UNKNOWN_FAILURE: Failure = { message: '', errorType: '', code: '', retryable: false, retryAfterMs: 0, stack: '' }

export const failureOfWire = (failure: StepFailure | undefined): Failure => failure ?? UNKNOWN_FAILURE
