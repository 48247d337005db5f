/** `AwaitResult`: one call that waits for a task's outcome, until there is one, its deadline is over or its client is gone. */
import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js'
import { LIMITS } from '@tasker/core'
import type { AwaitResultRequest, AwaitResultResponse } from '@tasker/proto'
import { Fault, type FaultDetail } from '../faults.js'
import type { Incoming } from './decoding.js'
import type { GrpcDoor } from './door.js'
import { callStatus, faultOf } from './errors.js'
import { malformed } from './input-faults.js'
import type { OpenStream } from './open-streams.js'
import { outcomeTooLarge, wireOutcome, type WaitEnd } from './task-message.js'
import { requiredTaskId } from './unary.js'

export type AwaitCall = ServerUnaryCall<Incoming<AwaitResultRequest>, AwaitResultResponse>

/** Serves the call; `ended` is called once when it is over. */
export const serveAwaitResult = (
  door: GrpcDoor,
  call: AwaitCall,
  callback: sendUnaryData<AwaitResultResponse>,
  ended: () => void,
): OpenStream => {
  const wait = { over: false, stop: (): void => undefined }
  const finish = (): boolean => {
    if (wait.over) return false
    wait.over = true
    wait.stop()
    ended()
    return true
  }
  const fail = (fault: FaultDetail): void => {
    if (finish()) callback(callStatus(fault))
  }
  const answer = (taskId: string, end: WaitEnd): void => {
    if (end.type === 'failed') return fail(end.fault)
    if (end.type === 'completed' && Buffer.byteLength(end.result) > LIMITS.grpcMessageBytesMax - LIMITS.nameCharsMax)
      return answer(taskId, outcomeTooLarge(LIMITS.grpcMessageBytesMax))
    if (finish()) callback(null, { outcome: wireOutcome(taskId, end) })
  }
  call.on('cancelled', finish)
  try {
    if (call.request.type === 'malformed') throw new Fault(malformed(call.request.problem))
    const taskId = requiredTaskId(call.request.message.taskId)
    wait.stop = door.engine.awaitOutcome(taskId, (outcome) => answer(taskId, outcome))
    if (wait.over) wait.stop()
  } catch (error) {
    fail(faultOf(error, door.logger))
  }
  return { end: fail }
}
