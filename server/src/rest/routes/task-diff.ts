/** Two tasks compared: where they part, and in what they differ. */
import { type Both, trustedJson } from '@tasker/core'
import { type ComparedTasks, compareTasks } from '../../query/task-diff.js'
import type { RestDoor } from '../door.js'
import { type App, readTask, sendJson } from '../route.js'
import { problems } from '../schema/problem.js'
import { TASK_PATH } from '../schema/task.js'
import { DIFF_QUERY, TASK_DIFF } from '../schema/task-diff.js'

export const addDiffRoute = (app: App, door: RestDoor): void => {
  app.get(
    '/v1/tasks/:task_id/diff',
    {
      schema: {
        tags: ['tasks'],
        summary: 'Compare two tasks: where they part, and in what they differ',
        description: 'Ids, instants, workers, and the order of steps that run beside each other are no difference.',
        params: TASK_PATH,
        querystring: DIFF_QUERY,
        response: { 200: TASK_DIFF, ...problems(404, 422, 503) },
      },
    },
    async ({ params, query }, reply) => {
      const [a, b] = [await readTask(door, params.task_id), await readTask(door, query.other)]
      const text = JSON.stringify({ a: a.taskId, b: b.taskId, ...told(await compareTasks(door.engine, a, b)) })
      return sendJson(reply, 200, trustedJson(text))
    },
  )
}

const told = ({ divergence, steps, times, tookMs, onlyInA, onlyInB, isCut, historyIsCut, ...same }: ComparedTasks) => ({
  same: same.same,
  first_divergence:
    divergence === undefined
      ? null
      : { step_id: divergence.step ?? null, a: eventOrNull(divergence.a), b: eventOrNull(divergence.b) },
  status: same.status ?? null,
  template: same.template ?? null,
  input: same.input.map(nulls),
  only_in_a: onlyInA,
  only_in_b: onlyInB,
  steps: steps.map(({ step, status, attempts, failure, output }) => ({
    step_id: step,
    status: status ?? null,
    attempts: attempts ?? null,
    failure: failure === undefined ? null : nulls(failure),
    output: output.map(nulls),
  })),
  took_ms: nulls(tookMs),
  times: times.map(({ step, startedAfterMs, tookMs: took }) => ({
    step_id: step,
    started_after_ms: nulls(startedAfterMs),
    took_ms: nulls(took),
  })),
  is_cut: isCut || historyIsCut,
})

const nulls = <Value, Side extends Both<Value | undefined>>(both: Side) => ({ ...both, a: both.a ?? null, b: both.b ?? null })

const eventOrNull = (event: { readonly version: number; readonly type: string; readonly text: string } | undefined) =>
  event === undefined ? null : { version: event.version, type: event.type, data: event.text }
