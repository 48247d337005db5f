/** `/v1/dlq`: the tasks that a person should look at, and those that are on their way there. */
import { instant, LIMITS, namespaceOf, type Namespace, parseTaskId, type TaskId } from '@tasker/core'
import type { FastifyReply } from 'fastify'
import type { z } from 'zod'
import type { TaskOrder } from '../../engine/api.js'
import { Fault } from '../../faults.js'
import { latestLetter, letterRef, monitoredTasks, readLetter, remarks } from '../../query/letters.js'
import type { DeadLetterFilter } from '../../query/dead-letters.js'
import type { PageStart } from '../../query/page-start.js'
import type { BodyRules } from '../body/rules.js'
import type { RestDoor } from '../door.js'
import { REST_LIMITS } from '../limits.js'
import { refusalDetail } from '../problem.js'
import { ANONYMOUS, type App, readTask, sendJson, taskIdIn, withToken } from '../route.js'
import {
  DEAD_LETTER,
  DEAD_LETTER_LIST,
  DEAD_LETTER_STATS,
  DEAD_LETTER_UPDATED,
  INVESTIGATION_QUEUE,
  LETTER_LIST_QUERY,
  LETTER_ORDER,
  LETTER_PATH,
  LETTER_UPDATE,
  NAMESPACE_QUERY,
  RANKED_QUERY,
  STALENESS_LIST,
} from '../schema/dead-letter.js'
import { problems } from '../schema/problem.js'
import { TASK_PATH } from '../schema/task.js'
import {
  investigationsText,
  letterPageText,
  letterStatsText,
  letterText,
  stalenessText,
  updatedLetterText,
} from '../views/dead-letter-text.js'

const BODY: BodyRules = {
  form: 'json',
  bytesMax: REST_LIMITS.commandBytesMax,
  optional: false,
  raw: { member: 'metadata', bytesMax: LIMITS.deadLetterMetadataBytesMax, tooLarge: 'METADATA_TOO_LARGE' },
}
const RANKED_DEFAULT = 100
const tags = ['dead letters']

export const addDeadLetterRoutes = (app: App, door: RestDoor): void => {
  addReads(app, door)
  addWrites(app, door)
  addFigures(app, door)
}

const addReads = (app: App, door: RestDoor): void => {
  app.get(
    '/v1/dlq',
    {
      schema: {
        tags,
        summary: 'List dead letters, newest first',
        querystring: LETTER_LIST_QUERY,
        response: { 200: DEAD_LETTER_LIST, ...problems(422, 503) },
      },
    },
    async ({ query }, reply) => {
      const { limit, consistency_token: consistencyTokens } = query
      const page = await door.query.deadLetters.list({ filter: filterOf(query), limit, start: startOf(query), consistencyTokens })
      return sendJson(reply, 200, letterPageText(page))
    },
  )
  app.get(
    '/v1/dlq/task/:task_id',
    {
      schema: {
        tags,
        summary: 'The latest dead letter of a task',
        params: TASK_PATH,
        response: { 200: DEAD_LETTER, ...problems(404, 503) },
      },
    },
    async ({ params }, reply) => {
      const { taskId, state } = await readTask(door, params.task_id)
      return sendJson(reply, 200, letterText(latestLetter(taskId, state)))
    },
  )
  app.get(
    '/v1/dlq/entry/:entry_id',
    { schema: { tags, summary: 'One dead letter', params: LETTER_PATH, response: { 200: DEAD_LETTER, ...problems(404, 503) } } },
    async ({ params }, reply) => sendJson(reply, 200, letterText(await readLetter(door.engine, letterRef(params.entry_id)))),
  )
}

const addWrites = (app: App, door: RestDoor): void => {
  app.post(
    '/v1/dlq',
    {
      config: { body: BODY },
      schema: {
        tags,
        summary: 'Put a task into the dead letters',
        description: 'The task goes on as it would. 409 when it is there already.',
        body: LETTER_ORDER,
        response: { 201: DEAD_LETTER, ...problems(400, 404, 409, 413, 422, 503) },
      },
    },
    async ({ body }, reply) => {
      const taskId = taskIdIn(body.task_id)
      const { by, resolution_notes: notes, metadata } = body
      await ordered(door, reply, taskId, { type: 'dead_letter', ...remarks({ by, notes, metadata }) })
      const { state } = await readTask(door, taskId)
      return sendJson(reply, 201, letterText(latestLetter(taskId, state)))
    },
  )
  app.patch(
    '/v1/dlq/entry/:entry_id',
    {
      config: { body: BODY },
      schema: {
        tags,
        summary: 'Write on a dead letter, or close it',
        description: 'Changes the investigation, never the task: steps are reset and resolved at the task.',
        params: LETTER_PATH,
        body: LETTER_UPDATE,
        response: { 200: DEAD_LETTER_UPDATED, ...problems(400, 404, 409, 413, 422, 503) },
      },
    },
    async ({ params, body }, reply) => {
      const ref = letterRef(params.entry_id)
      const { resolution_status: status, resolution_notes: notes, resolved_by: by, metadata } = body
      await ordered(door, reply, ref.taskId, {
        type: 'update_dead_letter',
        entry: ref.entry,
        ...(status === undefined ? {} : { status }),
        ...remarks({ notes, by, metadata }),
      })
      return sendJson(reply, 200, updatedLetterText(await readLetter(door.engine, ref), 'The dead letter is updated.'))
    },
  )
}

const addFigures = (app: App, door: RestDoor): void => {
  app.get(
    '/v1/dlq/stats',
    {
      schema: {
        tags,
        summary: 'Figures by reason',
        querystring: NAMESPACE_QUERY,
        response: { 200: DEAD_LETTER_STATS, ...problems(422, 503) },
      },
    },
    async ({ query }, reply) =>
      sendJson(reply, 200, letterStatsText(await door.query.deadLetters.stats(namespaceIn(query.namespace)))),
  )
  app.get(
    '/v1/dlq/investigation-queue',
    {
      schema: {
        tags,
        summary: 'Pending dead letters, the most urgent first',
        querystring: RANKED_QUERY,
        response: { 200: INVESTIGATION_QUEUE, ...problems(422, 503) },
      },
    },
    async ({ query: { limit = RANKED_DEFAULT, namespace } }, reply) => {
      const ranked = await door.query.deadLetters.investigations(instant(Date.now()), limit, namespaceIn(namespace))
      return sendJson(reply, 200, investigationsText(ranked))
    },
  )
  app.get(
    '/v1/dlq/staleness',
    {
      schema: {
        tags,
        summary: 'Open tasks that have been as they are for longest, the nearest to their threshold first',
        querystring: RANKED_QUERY,
        response: { 200: STALENESS_LIST, ...problems(422, 503) },
      },
    },
    async ({ query: { limit = RANKED_DEFAULT, namespace } }, reply) => {
      const now = instant(Date.now())
      const tasks = await monitoredTasks(door.engine, door.query.deadLetters, now, limit, namespaceIn(namespace))
      return sendJson(reply, 200, stalenessText(tasks, now))
    },
  )
}

const filterOf = (query: z.output<typeof LETTER_LIST_QUERY>): DeadLetterFilter => ({
  namespace: namespaceIn(query.namespace),
  statuses: query.resolution_status,
  reason: query.dlq_reason,
  taskId: query.task_id === undefined ? undefined : parseTaskId(query.task_id),
})

const startOf = ({ cursor, offset }: z.output<typeof LETTER_LIST_QUERY>): PageStart => {
  if (cursor !== undefined) return { type: 'cursor', cursor }
  return offset === undefined || offset === 0 ? { type: 'first' } : { type: 'offset', rows: offset }
}

const namespaceIn = (text: string | undefined): Namespace | undefined => (text === undefined ? undefined : namespaceOf(text))

const ordered = async (door: RestDoor, reply: FastifyReply, taskId: TaskId, order: TaskOrder): Promise<void> => {
  const answer = await door.engine.order(taskId, order, ANONYMOUS)
  if (answer.type === 'refused') throw new Fault(refusalDetail(answer.refusal))
  if (answer.type === 'failed') throw new Fault(answer.fault)
  withToken(reply, answer.token)
}
