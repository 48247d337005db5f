/** Durable functions from outside: signals to them, and what they show. */
import { JSON_NULL, jsonOf, LIMITS } from '@tasker/core'
import { Fault } from '../../faults.js'
import { shownState } from '../../query/function-state.js'
import type { BodyRules } from '../body/rules.js'
import { SIGNAL_TOO_LARGE } from '../body/signal.js'
import type { RestDoor } from '../door.js'
import { objectText } from '../json-text.js'
import { refusalDetail } from '../problem.js'
import { ANONYMOUS, type App, readTask, sendJson, taskIdIn, withToken } from '../route.js'
import { problems } from '../schema/problem.js'
import {
  SIGNAL_HEADERS,
  SIGNAL_PATH,
  SIGNAL_PAYLOAD,
  SIGNALLED,
  STATE_PATH,
  TASK_PATH,
  TASK_STATE,
  TASK_STATE_VALUE,
} from '../schema/task.js'
import { stateText } from '../views/state-text.js'

const BODY: BodyRules = { form: 'payload', bytesMax: LIMITS.signalBytesMax, optional: true, tooLarge: SIGNAL_TOO_LARGE }

export const addSignalRoutes = (app: App, door: RestDoor): void => {
  app.post(
    '/v1/tasks/:task_id/signals/:name',
    {
      config: { body: BODY },
      schema: {
        tags: ['tasks'],
        summary: 'Signal a durable function',
        description:
          'The body is the payload. A function that waits for the signal goes on; one that does not yet finds it when it asks.',
        params: SIGNAL_PATH,
        headers: SIGNAL_HEADERS,
        body: SIGNAL_PAYLOAD,
        response: { 200: SIGNALLED, ...problems(400, 404, 409, 413, 422, 503) },
      },
    },
    async ({ params, headers, body }, reply) => {
      const { name } = params
      const requestId = headers['tasker-request-id']
      const signal = { type: 'signal', name, payload: body ?? JSON_NULL } as const
      const order = requestId === undefined ? signal : { ...signal, requestId }
      const answer = await door.engine.order(taskIdIn(params.task_id), order, ANONYMOUS)
      if (answer.type === 'refused') throw new Fault(refusalDetail(answer.refusal))
      if (answer.type === 'failed') throw new Fault(answer.fault)
      return sendJson(withToken(reply, answer.token), 200, objectText({ task_id: jsonOf(answer.taskId), name: jsonOf(name) }))
    },
  )
  addStateRoutes(app, door)
}

const addStateRoutes = (app: App, door: RestDoor): void => {
  app.get(
    '/v1/tasks/:task_id/state',
    {
      schema: {
        tags: ['tasks'],
        summary: 'What a durable function shows',
        description: 'The values that it set last, by key. No worker is asked.',
        params: TASK_PATH,
        response: { 200: TASK_STATE, ...problems(404, 409, 503) },
      },
    },
    async ({ params }, reply) => {
      const snapshot = await readTask(door, params.task_id)
      return sendJson(reply, 200, objectText({ task_id: jsonOf(snapshot.taskId), state: stateText(shownState(snapshot)) }))
    },
  )
  app.get(
    '/v1/tasks/:task_id/state/:key',
    {
      schema: {
        tags: ['tasks'],
        summary: 'One value that a durable function shows',
        params: STATE_PATH,
        response: { 200: TASK_STATE_VALUE, ...problems(404, 409, 503) },
      },
    },
    async ({ params: { task_id, key } }, reply) => {
      const snapshot = await readTask(door, task_id)
      const value = shownState(snapshot).get(key)
      if (value === undefined) throw new Fault(notShown(snapshot.taskId, key))
      return sendJson(reply, 200, objectText({ task_id: jsonOf(snapshot.taskId), key: jsonOf(key), value }))
    },
  )
}

const notShown = (taskId: string, key: string) =>
  ({
    code: 'NOT_FOUND',
    reason: 'STATE_NOT_FOUND',
    message: `The task ${taskId} shows nothing under ${JSON.stringify(key)}.`,
  }) as const
