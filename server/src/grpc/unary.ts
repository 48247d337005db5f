/** The one shape of a unary call: a function that answers or throws, with everything thrown turned into a status. */
import type { handleUnaryCall } from '@grpc/grpc-js'
import { parseTaskId, type TaskId } from '@tasker/core'
import { Fault } from '../faults.js'
import type { Incoming } from './decoding.js'
import type { DoorLogger } from './door.js'
import { callStatus, faultOf } from './errors.js'
import { invalidTaskId, malformed } from './input-faults.js'

export const unary =
  <Request, Response>(
    logger: DoorLogger,
    answer: (request: Request) => Response | Promise<Response>,
  ): handleUnaryCall<Incoming<Request>, Response> =>
  (call, callback) => {
    answerTo(call.request, answer).then(
      (response) => callback(null, response),
      (error: unknown) => callback(callStatus(faultOf(error, logger))),
    )
  }

const answerTo = async <Request, Response>(
  incoming: Incoming<Request>,
  answer: (request: Request) => Response | Promise<Response>,
): Promise<Response> => {
  if (incoming.type === 'malformed') throw new Fault(malformed(incoming.problem))
  return answer(incoming.message)
}

/** The id a person or program gave, in either case; throws `INVALID_TASK_ID`. */
export const requiredTaskId = (text: string): TaskId => {
  const taskId = parseTaskId(text)
  if (taskId === undefined) throw new Fault(invalidTaskId('task_id is no ULID'))
  return taskId
}
