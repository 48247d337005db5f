/** `DELETE /v1/tasks/{id}` and `POST /v1/tasks/{id}/cancel`: running steps are told and have their grace. */
import { Fault } from '../../faults.js'
import type { BodyRules } from '../body/rules.js'
import type { RestDoor } from '../door.js'
import { REST_LIMITS } from '../limits.js'
import { refusalDetail } from '../problem.js'
import { ANONYMOUS, type App, readTask, sendJson, taskIdIn, withToken } from '../route.js'
import { problems } from '../schema/problem.js'
import { CANCELLATION, TASK, TASK_PATH } from '../schema/task.js'
import { taskText } from '../views/task-text.js'
import type { FastifyReply } from 'fastify'

const BODY: BodyRules = { form: 'json', bytesMax: REST_LIMITS.commandBytesMax, optional: true }

export const addCancelRoutes = (app: App, door: RestDoor): void => {
  const options = (summary: string) => ({
    config: { body: BODY },
    schema: {
      tags: ['tasks'],
      summary,
      description:
        'Answers when the request is in the log; the task is `cancelled` when its running steps ended or their grace is over.',
      params: TASK_PATH,
      body: CANCELLATION,
      response: { 200: TASK, ...problems(400, 404, 409, 413, 422, 503) },
    },
  })
  app.post('/v1/tasks/:task_id/cancel', options('Cancel a task'), async ({ params, body }, reply) =>
    cancelled(door, reply, params.task_id, body?.reason),
  )
  app.delete('/v1/tasks/:task_id', options('Cancel a task, as DELETE'), async ({ params, body }, reply) =>
    cancelled(door, reply, params.task_id, body?.reason),
  )
}

const cancelled = async (door: RestDoor, reply: FastifyReply, id: string, reason: string | undefined): Promise<FastifyReply> => {
  const answer = await door.engine.cancel(taskIdIn(id), reason, ANONYMOUS)
  if (answer.type === 'refused') throw new Fault(refusalDetail(answer.refusal))
  if (answer.type === 'failed') throw new Fault(answer.fault)
  return sendJson(withToken(reply, answer.token), 200, taskText(await readTask(door, answer.taskId)))
}
