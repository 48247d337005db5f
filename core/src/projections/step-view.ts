/** A step as people see it: in the task's row and in the answers of the REST interface. */
import { instantText, type Instant } from '../kernel/instant.js'
import { elementAt } from '../kernel/invariant.js'
import type { StepId, WorkerId } from '../kernel/ids.js'
import { trustedJson, type JsonText } from '../kernel/json.js'
import { keyGate } from '../key/gate.js'
import type { KeyGate, KeyKind } from '../key/key.js'
import { attemptsStarted } from '../task/attempts.js'
import { isTakingBack } from '../task/compensation.js'
import type { Failure } from '../task/failure.js'
import type { LiveTask, StepState, StepStatus } from '../task/state.js'
import { isUnended } from '../task/step-groups.js'

/** What `last_failure` shows of a failure. */
export interface StepErrorView {
  readonly message: string
  readonly code?: string
  readonly error_type: string
  readonly retryable: boolean
}

/** Without outputs. Instants are RFC 3339 text in UTC. */
export interface StepView {
  readonly step_id: StepId
  readonly status: StepStatus
  /** Attempts that were started, in all. */
  readonly attempts: number
  /** Attempts that count against the retry policy. */
  readonly attempts_since_reset: number
  /** When the first attempt started. */
  readonly started_at?: string
  /** When the step became complete, skipped, cancelled or an error. */
  readonly ended_at?: string
  readonly next_retry_at?: string
  /** The failure of the latest attempt that failed, also when a later one succeeded. */
  readonly last_failure?: StepErrorView
  /** True when its attempts are those of its way back. */
  readonly compensating?: true
  /** Who runs it, or ran it last. */
  readonly worker_id?: WorkerId
  /** The key that a ready step waits for a place of. */
  readonly waiting_for_key?: KeyWaitView
}

/** A key, and how many places it has. */
export interface KeyWaitView {
  readonly kind: KeyKind
  readonly key: string
  readonly limit: number
  /** Of a rate: how long a place is taken. */
  readonly per_ms?: number
}

/** The step at a plan index. */
export const stepView = (task: LiveTask, index: number): StepView => {
  const step = elementAt(task.steps, index, 'steps')
  const endedAt = endOf(step)
  const worker = workerOf(step)
  const gate = task.plan.keyed ? keyGate(task, index) : undefined
  return {
    step_id: elementAt(task.graph.steps, index, 'steps of the graph').name,
    status: step.status,
    attempts: attemptsStarted(step),
    attempts_since_reset: step.attemptsSinceReset,
    ...(step.firstStartedAt === undefined ? {} : { started_at: instantText(step.firstStartedAt) }),
    ...(endedAt === undefined ? {} : { ended_at: instantText(endedAt) }),
    ...(step.status === 'waiting_for_retry' ? { next_retry_at: instantText(step.dueAt) } : {}),
    ...(step.lastFailure === undefined ? {} : { last_failure: errorView(step.lastFailure) }),
    ...(isTakingBack(task, index) ? { compensating: true } : {}),
    ...(worker === undefined ? {} : { worker_id: worker }),
    ...(gate === undefined ? {} : { waiting_for_key: keyWaitView(gate) }),
  }
}

/** `stepView` as JSON text, member by member: the row of every task that changes is made of it, so no view is built first. */
export const stepViewText = (task: LiveTask, index: number): JsonText => {
  const step = elementAt(task.steps, index, 'steps')
  const endedAt = endOf(step)
  const worker = workerOf(step)
  let text = `{"step_id":${JSON.stringify(elementAt(task.graph.steps, index, 'steps of the graph').name)},"status":"${step.status}"`
  text += `,"attempts":${attemptsStarted(step)},"attempts_since_reset":${step.attemptsSinceReset}`
  if (step.firstStartedAt !== undefined) text += `,"started_at":"${instantText(step.firstStartedAt)}"`
  if (endedAt !== undefined) text += `,"ended_at":"${instantText(endedAt)}"`
  if (step.status === 'waiting_for_retry') text += `,"next_retry_at":"${instantText(step.dueAt)}"`
  if (step.lastFailure !== undefined) text += `,"last_failure":${JSON.stringify(errorView(step.lastFailure))}`
  if (isTakingBack(task, index)) text += ',"compensating":true'
  if (worker !== undefined) text += `,"worker_id":${JSON.stringify(worker)}`
  const gate = task.plan.keyed ? keyGate(task, index) : undefined
  if (gate !== undefined) text += `,"waiting_for_key":${JSON.stringify(keyWaitView(gate))}`
  return trustedJson(`${text}}`)
}

const keyWaitView = ({ kind, key, limit, perMs }: KeyGate): KeyWaitView =>
  perMs === undefined ? { kind, key, limit } : { kind, key, limit, per_ms: perMs }

const errorView = ({ message, code, errorType, retryable }: Failure): StepErrorView =>
  code === undefined ? { message, error_type: errorType, retryable } : { message, code, error_type: errorType, retryable }

const endOf = (step: StepState): Instant | undefined => (isUnended(step.status) ? undefined : step.since)

const workerOf = (step: StepState): WorkerId | undefined => ('worker' in step ? step.worker : undefined)
