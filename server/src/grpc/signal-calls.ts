/** Durable functions from outside over gRPC: signals to them, and what they show. */
import type { GetTaskStateRequest, GetTaskStateResponse, SignalTaskRequest, SignalTaskResponse } from '@tasker/proto'
import { Fault, type InputProblem } from '../faults.js'
import { shownState } from '../query/function-state.js'
import type { EngineDoor } from './door.js'
import { invalidFields, taskNotFound } from './input-faults.js'
import { doneToken } from './order-calls.js'
import { payloadOf } from './payload.js'
import { readSignal } from './read-signal.js'
import { ANONYMOUS } from './submission.js'
import { checkText } from './text-fields.js'
import { requiredTaskId } from './unary.js'

export const signalTask = async (door: EngineDoor, request: SignalTaskRequest): Promise<SignalTaskResponse> => {
  const taskId = requiredTaskId(request.taskId)
  const problems: InputProblem[] = []
  checkText(problems, '/request_id', request.requestId)
  if (problems.length > 0) throw new Fault(invalidFields(problems))
  const read = readSignal(request.signal ?? { name: '', payload: undefined })
  if (read.type === 'refused') throw new Fault(read.fault)
  const { requestId } = request
  const order = { type: 'signal', ...read.signal, ...(requestId === '' ? {} : { requestId }) } as const
  return { consistencyToken: doneToken(await door.engine.order(taskId, order, ANONYMOUS)) }
}

export const getTaskState = async (door: EngineDoor, request: GetTaskStateRequest): Promise<GetTaskStateResponse> => {
  const taskId = requiredTaskId(request.taskId)
  const snapshot = await door.engine.read(taskId)
  if (snapshot === undefined) throw new Fault(taskNotFound(taskId))
  return { values: [...shownState(snapshot)].map(([key, value]) => ({ key, value: payloadOf(value) })) }
}
