/** Reads that explain: why steps do not run, and what taking the task back does. */
import { compensationPreview, trustedJson } from '@tasker/core'
import { explanationOf } from '../../query/explanation.js'
import { familyOf } from '../../query/family.js'
import type { RestDoor } from '../door.js'
import { type App, readTask, sendJson } from '../route.js'
import { problems } from '../schema/problem.js'
import { COMPENSATION, EXPLANATION } from '../schema/task-explain.js'
import { MOMENT_QUERY, TASK_PATH } from '../schema/task.js'
import { explanationText } from '../views/explanation-text.js'

export const addExplainRoutes = (app: App, door: RestDoor): void => {
  app.get(
    '/v1/tasks/:task_id/explain',
    {
      schema: {
        tags: ['tasks'],
        summary: 'Why each step that is not running is not, and what would make it go on',
        description:
          'As of a moment it is told what the log of the task alone knows: workers, queues and the holders of keys are not part of it.',
        params: TASK_PATH,
        querystring: MOMENT_QUERY,
        response: { 200: EXPLANATION, ...problems(404, 422, 503) },
      },
    },
    async ({ params, query }, reply) => {
      const snapshot = await readTask(door, params.task_id, query)
      const family = await familyOf(door.engine, snapshot)
      return sendJson(reply, 200, explanationText(snapshot, explanationOf(door.engine, snapshot), family))
    },
  )
  app.get(
    '/v1/tasks/:task_id/compensation',
    {
      schema: {
        tags: ['tasks'],
        summary: 'What taking the task back would do, or does',
        description: 'Which completed steps, in which order, by which handlers; and which have no way back.',
        params: TASK_PATH,
        response: { 200: COMPENSATION, ...problems(404, 503) },
      },
    },
    async ({ params }, reply) => {
      const { taskId, state } = await readTask(door, params.task_id)
      const preview = compensationPreview(state)
      const steps = preview.steps.map(({ step, ...more }) => ({ step_id: step, ...more }))
      const told = { task_id: taskId, state: preview.state, steps, without_way_back: preview.withoutWayBack }
      return sendJson(reply, 200, trustedJson(JSON.stringify(told)))
    },
  )
}
