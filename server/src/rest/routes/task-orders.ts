/** `POST /v1/tasks/{id}/pause|resume|retry|resolve`: orders of an operator to one task. */
import type { FastifyReply } from 'fastify'
import type { TaskOrder } from '../../engine/api.js'
import { Fault } from '../../faults.js'
import type { BodyRules } from '../body/rules.js'
import type { RestDoor } from '../door.js'
import { REST_LIMITS } from '../limits.js'
import { refusalDetail } from '../problem.js'
import { ANONYMOUS, type App, readTask, sendJson, taskIdIn, withToken } from '../route.js'
import { problems } from '../schema/problem.js'
import { ORDER, TASK, TASK_PATH } from '../schema/task.js'
import { taskText } from '../views/task-text.js'

const BODY: BodyRules = { form: 'json', bytesMax: REST_LIMITS.commandBytesMax, optional: true }

const ORDERS = [
  ['pause', 'Pause a task', 'Nothing starts until it is resumed; running steps finish, and what becomes due waits.'],
  ['resume', 'Resume a paused task', 'What became ready in the meantime starts.'],
  ['retry', 'Retry the failed steps of a task', 'Each of them has a new budget of attempts, and the task goes on by itself.'],
  ['resolve', 'Close a blocked task', 'Steps that never ended become cancelled; the task ends as resolved_manually.'],
] as const

export const addOrderRoutes = (app: App, door: RestDoor): void => {
  for (const [type, summary, description] of ORDERS) {
    app.post(
      `/v1/tasks/:task_id/${type}`,
      {
        config: { body: BODY },
        schema: {
          tags: ['tasks'],
          summary,
          description,
          params: TASK_PATH,
          body: ORDER,
          response: { 200: TASK, ...problems(400, 404, 409, 413, 422, 503) },
        },
      },
      async ({ params, body }, reply) =>
        ordered(door, reply, params.task_id, {
          type,
          ...(body?.reason === undefined ? {} : { reason: body.reason }),
          ...(body?.by === undefined ? {} : { by: body.by }),
        }),
    )
  }
}

const ordered = async (door: RestDoor, reply: FastifyReply, id: string, order: TaskOrder): Promise<FastifyReply> => {
  const answer = await door.engine.order(taskIdIn(id), order, ANONYMOUS)
  if (answer.type === 'refused') throw new Fault(refusalDetail(answer.refusal))
  if (answer.type === 'failed') throw new Fault(answer.fault)
  return sendJson(withToken(reply, answer.token), 200, taskText(await readTask(door, answer.taskId)))
}
