/** `GET /v1/tasks/{id}/result`: a long poll that ends with the task, with its block, or with the caller's patience. */
import { isTerminal, type TaskId, taskStatus } from '@tasker/core'
import type { TaskOutcome } from '../../engine/api.js'
import { Fault, type FaultDetail } from '../../faults.js'
import type { RestDoor } from '../door.js'
import { REST_LIMITS } from '../limits.js'
import { placesFor } from '../places.js'
import { type App, readTask, sendJson } from '../route.js'
import { problems } from '../schema/problem.js'
import { OUTCOME, RESULT_QUERY, TASK_PATH } from '../schema/task.js'
import { outcomeText, pendingText } from '../views/outcome-text.js'

/** `stopping` ends the waits when the server stops. */
export const addResultRoute = (app: App, door: RestDoor, stopping: AbortSignal): void => {
  const places = placesFor(REST_LIMITS.waitsMax, TOO_MANY_WAITS)
  app.get(
    '/v1/tasks/:task_id/result',
    {
      schema: {
        tags: ['tasks'],
        summary: 'Wait for the outcome of a task',
        description:
          'Answers 200 at once for a task that is over or blocked; otherwise after `wait_seconds` 202 with its status.',
        params: TASK_PATH,
        querystring: RESULT_QUERY,
        response: {
          200: OUTCOME.describe('The outcome.'),
          202: OUTCOME.describe('None yet; ask again.'),
          ...problems(404, 422, 503),
        },
      },
    },
    async ({ params, query }, reply) => {
      const { taskId, state } = await readTask(door, params.task_id)
      const settled = isTerminal(state.phase) || state.phase === 'blocked'
      const waitMs = settled ? SETTLED_WAIT_MS : query.wait_seconds * 1_000
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort())
      const leave = places.take()
      const outcome = await outcomeWithin(door, taskId, waitMs, [gone.signal, stopping]).finally(leave)
      if (outcome !== undefined) return sendJson(reply, 200, outcomeText(outcome))
      return sendJson(reply, 202, pendingText(taskId, taskStatus((await readTask(door, taskId)).state)))
    },
  )
}

const TOO_MANY_WAITS: FaultDetail = {
  code: 'BACKPRESSURE',
  reason: 'TOO_MANY_WAITS',
  message: `${REST_LIMITS.waitsMax} callers wait for results, which is the limit.`,
  retryAfterMs: 5_000,
  hint: 'Ask without wait_seconds, or follow results on one gRPC session.',
}

/** What is settled is told at once; the bound is for an engine that loses the task in between. */
const SETTLED_WAIT_MS = 1_000

/** The outcome, or undefined when it did not come in time or nobody waits any more. Throws the fault that the wait itself met. */
const outcomeWithin = async (
  door: RestDoor,
  taskId: TaskId,
  waitMs: number,
  ends: readonly AbortSignal[],
): Promise<TaskOutcome | undefined> => {
  if (waitMs === 0 || ends.some((signal) => signal.aborted)) return undefined
  const over = new AbortController()
  try {
    return await new Promise<TaskOutcome | undefined>((resolve, reject) => {
      const giveUp = (): void => resolve(undefined)
      const timer = setTimeout(giveUp, waitMs)
      for (const signal of ends) signal.addEventListener('abort', giveUp, { once: true, signal: over.signal })
      const stop = door.engine.awaitOutcome(taskId, (answer) => {
        if (answer.type === 'failed') reject(new Fault(answer.fault))
        else resolve(answer)
      })
      over.signal.addEventListener('abort', () => {
        clearTimeout(timer)
        stop()
      })
    })
  } finally {
    over.abort()
  }
}
