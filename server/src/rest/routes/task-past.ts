/** Reads of what happened: the replay of a task, and its comparison with another. */
import type { RestDoor } from '../door.js'
import { compareTasks, comparisonText } from '../../query/comparison.js'
import { readReplay } from '../../query/replay.js'
import { type App, readTask, sendJson } from '../route.js'
import { problems } from '../schema/problem.js'
import { DIFF, DIFF_QUERY, REPLAY, REPLAY_QUERY } from '../schema/task-past.js'
import { TASK_PATH } from '../schema/task.js'
import { replayText } from '../views/replay-text.js'

export const addPastRoutes = (app: App, door: RestDoor): void => {
  app.get(
    '/v1/tasks/:task_id/replay',
    {
      schema: {
        tags: ['tasks'],
        summary: 'What each event of a task changed, with what was there before',
        params: TASK_PATH,
        querystring: REPLAY_QUERY,
        response: { 200: REPLAY, ...problems(404, 422, 503) },
      },
    },
    async ({ params, query }, reply) => {
      const snapshot = await readTask(door, params.task_id)
      const from = { afterVersion: query.cursor ?? query.after_version ?? 0, limit: query.limit }
      return sendJson(reply, 200, replayText(snapshot, await readReplay(door.engine, snapshot, from)))
    },
  )
  app.get(
    '/v1/tasks/:task_id/diff',
    {
      schema: {
        tags: ['tasks'],
        summary: 'What is different about two tasks, and where they parted',
        params: TASK_PATH,
        querystring: DIFF_QUERY,
        response: { 200: DIFF, ...problems(404, 422, 503) },
      },
    },
    async ({ params, query }, reply) => {
      const [a, b] = [await readTask(door, params.task_id), await readTask(door, query.other)]
      return sendJson(reply, 200, comparisonText(a, b, await compareTasks(door.engine, a, b)))
    },
  )
}
