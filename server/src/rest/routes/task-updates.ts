/** `POST /v1/tasks/{id}/updates/{name}`: a request to a durable function, and its answer. */
import { JSON_NULL, type JsonText, jsonOf, LIMITS, type UpdateOutcome } from '@tasker/core'
import { ulid } from 'ulid'
import { Fault, type FaultDetail } from '../../faults.js'
import { failureText } from '../../query/event-data.js'
import { sendUpdate } from '../../query/updates.js'
import type { BodyRules } from '../body/rules.js'
import type { RestDoor } from '../door.js'
import { objectText } from '../json-text.js'
import { REST_LIMITS } from '../limits.js'
import { placesFor } from '../places.js'
import { refusalDetail } from '../problem.js'
import { ANONYMOUS, type App, sendJson, taskIdIn, withToken } from '../route.js'
import { problems } from '../schema/problem.js'
import { SIGNAL_PATH, SIGNAL_PAYLOAD, UPDATE_HEADERS, UPDATE_QUERY, UPDATED } from '../schema/task.js'

const BODY: BodyRules = { form: 'payload', bytesMax: LIMITS.updateBytesMax, optional: true, tooLarge: 'UPDATE_TOO_LARGE' }

/** `stopping` ends the waits when the server stops. */
export const addUpdateRoute = (app: App, door: RestDoor, stopping: AbortSignal): void => {
  const places = placesFor(REST_LIMITS.waitsMax, TOO_MANY_WAITS)
  app.post(
    '/v1/tasks/:task_id/updates/:name',
    {
      config: { body: BODY },
      schema: {
        tags: ['tasks'],
        summary: 'Ask a durable function for something',
        description:
          'The body is the payload. Answers 200 with what the function said, or 202 after `wait_seconds`: the update goes on, and the same request id asks for its answer.',
        params: SIGNAL_PATH,
        headers: UPDATE_HEADERS,
        querystring: UPDATE_QUERY,
        body: SIGNAL_PAYLOAD,
        response: {
          200: UPDATED.describe('The answer.'),
          202: UPDATED.describe('None yet; ask again.'),
          ...problems(400, 404, 409, 413, 422, 503),
        },
      },
    },
    async ({ params: { task_id, name }, headers, query, body }, reply) => {
      const id = headers['tasker-request-id'] ?? ulid()
      const taskId = taskIdIn(task_id)
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort())
      const leave = places.take()
      const update = { taskId, id, name, payload: body ?? JSON_NULL, actor: ANONYMOUS }
      const patience = { waitMs: query.wait_seconds * 1_000, ends: [gone.signal, stopping] }
      const updated = await sendUpdate(door.engine, update, patience).finally(leave)
      if (updated.type === 'refused') throw new Fault(refusalDetail(updated.refusal))
      if (updated.type === 'failed') throw new Fault(updated.fault)
      const { outcome, token } = updated
      if (outcome?.type === 'refused') throw new Fault(refusedDetail(outcome))
      const members = { task_id: jsonOf(taskId), name: jsonOf(name), request_id: jsonOf(id), ...answerOf(outcome) }
      return sendJson(token === '' ? reply : withToken(reply, token), outcome === undefined ? 202 : 200, objectText(members))
    },
  )
}

const TOO_MANY_WAITS: FaultDetail = {
  code: 'BACKPRESSURE',
  reason: 'TOO_MANY_WAITS',
  message: `${REST_LIMITS.waitsMax} callers wait for answers to updates, which is the limit.`,
  retryAfterMs: 5_000,
  hint: 'Ask with wait_seconds=0, and again later with the same Tasker-Request-Id.',
}

type Refused = Extract<UpdateOutcome, { readonly type: 'refused' }>

const refusedDetail = ({ failure }: Refused): FaultDetail => ({
  code: 'INVALID_INPUT',
  reason: failure.code ?? 'UPDATE_REFUSED',
  message: failure.message,
  retryable: false,
})

const answerOf = (outcome: Exclude<UpdateOutcome, Refused> | undefined): { readonly [name: string]: JsonText } => ({
  outcome: jsonOf(outcome?.type ?? 'pending'),
  result: outcome?.type === 'succeeded' ? outcome.result : JSON_NULL,
  failure: outcome?.type === 'failed' ? failureText(outcome.failure) : JSON_NULL,
})
