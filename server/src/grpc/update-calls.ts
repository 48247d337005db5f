/** `UpdateTask`: a request to a durable function over gRPC; it waits for the answer, until its time is over or its client is gone. */
import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js'
import { JSON_NULL, LIMITS, type UpdateOutcome } from '@tasker/core'
import type { UpdateTaskRequest, UpdateTaskResponse } from '@tasker/proto'
import { ulid } from 'ulid'
import { Fault, type InputProblem } from '../faults.js'
import { sendUpdate } from '../query/updates.js'
import type { Incoming } from './decoding.js'
import type { EngineDoor, GrpcDoor } from './door.js'
import { callStatus, faultOf, refusalFault } from './errors.js'
import { stepFailure } from './failure.js'
import { invalidFields, malformed } from './input-faults.js'
import type { OpenStream } from './open-streams.js'
import { payloadOf, readPayload } from './payload.js'
import { ANONYMOUS } from './submission.js'
import { checkText, requireText } from './text-fields.js'
import { requiredTaskId } from './unary.js'

export type UpdateCall = ServerUnaryCall<Incoming<UpdateTaskRequest>, UpdateTaskResponse>

/** Serves the call; `ended` is called once when it is over. */
export const serveUpdate = (
  door: GrpcDoor,
  call: UpdateCall,
  callback: sendUnaryData<UpdateTaskResponse>,
  ended: () => void,
): OpenStream => {
  const gone = new AbortController()
  let over = false
  const finish = (answer: () => void): void => {
    if (over) return
    over = true
    gone.abort()
    ended()
    answer()
  }
  call.on('cancelled', () => finish(() => undefined))
  const { request } = call
  const asked =
    request.type === 'malformed'
      ? Promise.reject(new Fault(malformed(request.problem)))
      : updateTask(door, request.message, gone.signal)
  asked.then(
    (response) => finish(() => callback(null, response)),
    (error: unknown) => finish(() => callback(callStatus(faultOf(error, door.logger)))),
  )
  return { end: (fault) => finish(() => callback(callStatus(fault))) }
}

export const updateTask = async (
  door: EngineDoor,
  request: UpdateTaskRequest,
  gone: AbortSignal,
): Promise<UpdateTaskResponse> => {
  const taskId = requiredTaskId(request.taskId)
  const problems: InputProblem[] = []
  requireText(problems, '/name', request.name)
  checkText(problems, '/request_id', request.requestId)
  if (problems.length > 0) throw new Fault(invalidFields(problems))
  const { name } = request
  const id = request.requestId === '' ? ulid() : request.requestId
  const update = { taskId, id, name, payload: payloadIn(request), actor: ANONYMOUS }
  const updated = await sendUpdate(door.engine, update, {
    waitMs: Math.min(request.waitMs, LIMITS.resultWaitMsMax),
    ends: [gone],
  })
  if (updated.type === 'refused') throw new Fault(refusalFault(updated.refusal))
  if (updated.type === 'failed') throw new Fault(updated.fault)
  return { requestId: id, consistencyToken: updated.token, outcome: wireOutcome(updated.outcome) }
}

const payloadIn = ({ payload }: UpdateTaskRequest) => {
  if (payload === undefined) return JSON_NULL
  const read = readPayload(payload, LIMITS.updateBytesMax, 'the payload of the update')
  switch (read.type) {
    case 'json':
      return read.text
    case 'too_large':
      throw new Fault({ code: 'TOO_LARGE', reason: 'UPDATE_TOO_LARGE', message: read.message })
    case 'encoding':
      throw new Fault({ code: 'INVALID_INPUT', reason: 'ENCODING_NOT_SUPPORTED', message: read.message })
    case 'not_json':
      throw new Fault(invalidFields([{ ...read.problem, path: `/payload${read.problem.path}` }]))
  }
}

const wireOutcome = (outcome: UpdateOutcome | undefined): UpdateTaskResponse['outcome'] => {
  switch (outcome?.type) {
    case undefined:
      return { $case: 'pending', value: {} }
    case 'succeeded':
      return { $case: 'succeeded', value: payloadOf(outcome.result) }
    case 'failed':
    case 'refused':
      return { $case: outcome.type, value: stepFailure(outcome.failure) }
  }
}
