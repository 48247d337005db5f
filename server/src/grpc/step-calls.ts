/** The calls of `StepService`: the steps of a task, their audit, and what operators do to them. */
import { existingSteps, JSON_NULL, type JsonText, LIMITS, type StepAuditEntry, type StepId, stepId } from '@tasker/core'
import {
  type GetStepAuditRequest,
  type GetStepAuditResponse,
  type GetStepRequest,
  type GetStepResponse,
  type ListStepsRequest,
  type ListStepsResponse,
  type Payload,
  type ResolveStepRequest,
  type ResolveStepResponse,
  StepAction,
  type StepAuditEntry as WireEntry,
} from '@tasker/proto'
import type { TaskOrder, TaskSnapshot } from '../engine/api.js'
import { Fault, type InputProblem } from '../faults.js'
import { readStepAudit } from '../operators/step-audit.js'
import type { GrpcDoor } from './door.js'
import { stepFailure } from './failure.js'
import { invalidFields, taskNotFound } from './input-faults.js'
import { doneToken, saidReason } from './order-calls.js'
import { payloadOf, readPayload } from './payload.js'
import { ANONYMOUS } from './submission.js'
import { wireStep } from './task-message.js'
import { taskAt, wireAsOf } from './task-moment.js'
import { checkText, requireText } from './text-fields.js'
import { requiredTaskId } from './unary.js'

export const getStep = async (door: GrpcDoor, request: GetStepRequest): Promise<GetStepResponse> => {
  const task = await readTask(door, request.taskId)
  return { step: wireStep(task.state, indexOf(task, request.stepId), task.keyLines) }
}

export const listSteps = async (door: GrpcDoor, request: ListStepsRequest): Promise<ListStepsResponse> => {
  const snapshot = await taskAt(door, request)
  const { state, keyLines } = snapshot
  return { steps: existingSteps(state).map((index) => wireStep(state, index, keyLines)), asOf: wireAsOf(snapshot) }
}

export const resolveStep = async (door: GrpcDoor, request: ResolveStepRequest): Promise<ResolveStepResponse> => {
  const taskId = requiredTaskId(request.taskId)
  const problems: InputProblem[] = []
  requireText(problems, '/step_id', request.stepId)
  checkText(problems, '/reason', request.reason, LIMITS.failureMessageCharsMax)
  checkText(problems, '/by', request.by)
  const order = orderOf(request, problems)
  if (problems.length > 0 || order === undefined) throw new Fault(invalidFields(problems))
  const consistencyToken = doneToken(await door.engine.order(taskId, order, ANONYMOUS))
  const task = await readTask(door, request.taskId)
  return { step: wireStep(task.state, indexOf(task, request.stepId), task.keyLines), consistencyToken }
}

const orderOf = (request: ResolveStepRequest, problems: InputProblem[]): TaskOrder | undefined => {
  const step = stepId(request.stepId)
  const said = { ...saidReason(request.reason), ...(request.by === '' ? {} : { by: request.by }) }
  switch (request.action) {
    case StepAction.STEP_ACTION_RESET_FOR_RETRY:
      return { type: 'reset_step', step, ...said }
    case StepAction.STEP_ACTION_RESOLVE_MANUALLY:
      return { type: 'resolve_step', step, ...said }
    case StepAction.STEP_ACTION_COMPLETE_MANUALLY: {
      const output = jsonOf(request.result, 'result', problems)
      const metadata = request.metadata === undefined ? {} : { metadata: jsonOf(request.metadata, 'metadata', problems) }
      return { type: 'complete_step', step, output, ...metadata, ...said }
    }
    case StepAction.STEP_ACTION_UNSPECIFIED:
    case StepAction.UNRECOGNIZED:
      problems.push({ code: 'MISSING_FIELD', path: '/action', message: 'action says nothing that can be done' })
      return undefined
  }
}

/** Null when not given. Throws for what is too large or not in an encoding that is read; notes what is no JSON. */
const jsonOf = (payload: Payload | undefined, name: string, problems: InputProblem[]): JsonText => {
  if (payload === undefined) return JSON_NULL
  const read = readPayload(payload, LIMITS.resultBytesMax, name)
  switch (read.type) {
    case 'json':
      return read.text
    case 'too_large':
      throw new Fault({ code: 'TOO_LARGE', reason: 'RESULT_TOO_LARGE', message: read.message })
    case 'encoding':
      throw new Fault({ code: 'INVALID_INPUT', reason: 'ENCODING_NOT_SUPPORTED', message: read.message })
    case 'not_json':
      problems.push({ ...read.problem, path: `/${name}${read.problem.path}` })
      return JSON_NULL
  }
}

export const getStepAudit = async (door: GrpcDoor, request: GetStepAuditRequest): Promise<GetStepAuditResponse> => {
  if (request.limit > LIMITS.pageItemsMax) {
    const message = `limit is at most ${LIMITS.pageItemsMax}`
    throw new Fault(invalidFields([{ code: 'OUT_OF_RANGE', path: '/limit', message }]))
  }
  const task = await readTask(door, request.taskId)
  indexOf(task, request.stepId)
  const step = stepId(request.stepId)
  const page = await readStepAudit(door.engine, task, step, {
    afterVersion: request.afterVersion,
    limit: request.limit === 0 ? LIMITS.pageItemsDefault : request.limit,
  })
  return {
    entries: page.entries.map((entry) => wireEntry(task, step, entry)),
    nextAfterVersion: page.nextAfterVersion ?? 0,
  }
}

const wireEntry = ({ taskId, state }: TaskSnapshot, step: StepId, entry: StepAuditEntry): WireEntry => ({
  auditId: `${taskId}:${entry.version}`,
  version: entry.version,
  event: entry.event,
  recordedAtMs: entry.recordedAt,
  actor: entry.actor,
  workerId: entry.workerId ?? '',
  correlationId: state.submitted.correlationId,
  stepId: step,
  fromState: entry.fromState ?? '',
  toState: entry.toState,
  attempt: entry.attempt ?? 0,
  success: entry.success,
  executionTimeMs: entry.executionTimeMs,
  result: entry.result === undefined ? undefined : payloadOf(entry.result),
  failure: entry.failure === undefined ? undefined : stepFailure(entry.failure),
  reason: entry.reason ?? '',
  by: entry.by ?? '',
  metadata: entry.metadata === undefined ? undefined : payloadOf(entry.metadata),
})

const readTask = async (door: GrpcDoor, id: string): Promise<TaskSnapshot> => {
  const taskId = requiredTaskId(id)
  const snapshot = await door.engine.read(taskId)
  if (snapshot === undefined) throw new Fault(taskNotFound(taskId))
  return snapshot
}

const indexOf = ({ state }: TaskSnapshot, step: string): number => {
  const index = state.graph.indexOf.get(stepId(step))
  if (index !== undefined && existingSteps(state).includes(index)) return index
  const message = `the task has no step ${step.slice(0, LIMITS.nameCharsMax)}`
  throw new Fault({ code: 'NOT_FOUND', reason: 'UNKNOWN_STEP', message, context: { step_id: step }, retryable: false })
}
