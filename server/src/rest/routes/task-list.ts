/** `GET /v1/tasks`: lists, a moment behind the log unless they carry a consistency token. */
import { LIMITS, namespaceOf } from '@tasker/core'
import type { z } from 'zod'
import { Fault } from '../../faults.js'
import type { PageStart } from '../../query/page-start.js'
import type { TaskFilter } from '../../query/query.js'
import type { RestDoor } from '../door.js'
import { type App, sendJson } from '../route.js'
import { problems } from '../schema/problem.js'
import { TASK_LIST, TASK_LIST_QUERY } from '../schema/task.js'
import { taskPageText } from '../views/list-text.js'

type ListQuery = z.output<typeof TASK_LIST_QUERY>

export const addListRoute = (app: App, door: RestDoor): void => {
  app.get(
    '/v1/tasks',
    {
      schema: {
        tags: ['tasks'],
        summary: 'List tasks',
        description: 'Newest first unless `sort` and `order` say otherwise. Ranges include their start and exclude their end.',
        querystring: TASK_LIST_QUERY,
        response: { 200: TASK_LIST, ...problems(422, 503) },
      },
    },
    async ({ query }, reply) => {
      const limit = query.limit ?? query.per_page ?? LIMITS.pageItemsDefault
      const page = await door.query.listTasks({
        filter: filterOf(query),
        sort: { by: query.sort, direction: query.order },
        limit,
        start: startOf(query, limit),
        consistencyTokens: query.consistency_token,
      })
      return sendJson(reply, 200, taskPageText(page))
    },
  )
}

const filterOf = (query: ListQuery): TaskFilter => ({
  namespace: query.namespace === undefined ? undefined : namespaceOf(query.namespace),
  name: query.name,
  version: query.version,
  statuses: query.status,
  tag: query.tag,
  initiator: query.initiator,
  correlationId: query.correlation_id,
  createdFrom: query.created_after,
  createdBefore: query.created_before,
  updatedFrom: query.updated_after,
  updatedBefore: query.updated_before,
  text: query.q,
})

const startOf = ({ cursor, page }: ListQuery, limit: number): PageStart => {
  if (cursor !== undefined && page !== undefined) throw twoStarts()
  if (cursor !== undefined) return { type: 'cursor', cursor }
  return page === undefined ? { type: 'first' } : { type: 'offset', rows: (page - 1) * limit }
}

const twoStarts = (): Fault => {
  const message = 'cursor and page exclude each other'
  return new Fault({
    code: 'INVALID_INPUT',
    reason: 'INVALID_REQUEST',
    message: `${message}.`,
    errors: [{ code: 'BAD_VALUE', message, path: '/page' }],
  })
}
