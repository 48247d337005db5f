/** An update as the wire carries it, and its answer as its caller sees it. */
import type { UpdateTaskRequest, UpdateTaskResponse } from '@tasker/proto'
import { givenText } from '../durable/outcome.js'
import { UpdateFailedError } from '../errors/outcome-errors.js'
import { TaskerError } from '../errors/tasker-error.js'
import { LIMITS } from '../limits.js'
import { jsonPayload, payloadValue } from '../step/payload.js'

/** Throws for a payload that is no JSON or too large. */
export const updateOf = (
  taskId: string,
  name: string,
  payload: unknown,
): Pick<UpdateTaskRequest, 'taskId' | 'name' | 'payload'> => ({
  taskId,
  name,
  payload: jsonPayload(Buffer.from(givenText(payload, `the update ${name}`, LIMITS.updateBytesMax))),
})

/** Throws what the function threw, or why it refused. */
export const answerOf = (taskId: string, name: string, outcome: UpdateTaskResponse['outcome']): unknown => {
  switch (outcome?.$case) {
    case 'succeeded':
      return payloadValue(outcome.value)
    case 'failed':
    case 'refused':
      throw new UpdateFailedError(taskId, name, outcome.value, outcome.$case === 'refused')
    default:
      throw new TaskerError({ code: 'INTERNAL', reason: 'EMPTY_ANSWER', message: 'the server gave no answer to the update' })
  }
}
