/** Reads that explain: why steps do not run, and what taking the task back does. */
import { compensationPreview, trustedJson } from '@tasker/core'
import { explanationOf } from '../../query/explanation.js'
import type { RestDoor } from '../door.js'
import { type App, readTask, sendJson } from '../route.js'
import { problems } from '../schema/problem.js'
import { COMPENSATION, EXPLANATION } from '../schema/task-explain.js'
import { TASK_PATH } from '../schema/task.js'

export const addExplainRoutes = (app: App, door: RestDoor): void => {
  app.get(
    '/v1/tasks/:task_id/explain',
    {
      schema: {
        tags: ['tasks'],
        summary: 'Why each step that is not running is not, and what would make it go on',
        params: TASK_PATH,
        response: { 200: EXPLANATION, ...problems(404, 503) },
      },
    },
    async ({ params }, reply) => {
      const snapshot = await readTask(door, params.task_id)
      const { taskId } = snapshot
      const { status, steps } = explanationOf(door.engine, snapshot)
      const told = steps.map(({ step, unblockedBy, waitsFor, ...more }) => ({
        step_id: step,
        ...more,
        unblocked_by: unblockedBy,
        waits_for: waitsFor,
      }))
      return sendJson(reply, 200, trustedJson(JSON.stringify({ task_id: taskId, status, steps: told })))
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
