/** `POST /v1/tasks/bulk`: one order to all tasks that a filter finds. */
import { namespaceOf } from '@tasker/core'
import type { z } from 'zod'
import { type BulkTask, runBulk } from '../../operators/bulk.js'
import type { TaskFilter } from '../../query/query.js'
import type { BodyRules } from '../body/rules.js'
import type { RestDoor } from '../door.js'
import { REST_LIMITS } from '../limits.js'
import { ANONYMOUS, type App } from '../route.js'
import { BULK, BULK_REPORT } from '../schema/bulk.js'
import { problems } from '../schema/problem.js'

const BODY: BodyRules = { form: 'json', bytesMax: REST_LIMITS.commandBytesMax, optional: false }

export const addBulkRoute = (app: App, door: RestDoor): void => {
  app.post(
    '/v1/tasks/bulk',
    {
      config: { body: BODY },
      schema: {
        tags: ['tasks'],
        summary: 'Cancel, pause, resume or retry all tasks that a filter finds',
        description:
          'A page at a time, oldest first: repeat with `next_cursor` until there is none. Each task answers for itself. With `dry_run` nothing is done.',
        body: BULK,
        response: { 200: BULK_REPORT, ...problems(400, 413, 422, 503) },
      },
    },
    async ({ body }, reply) => {
      const report = await runBulk(door.engine, door.query, {
        action: body.action,
        filter: filterOf(body.filter),
        dryRun: body.dry_run ?? false,
        reason: body.reason,
        actor: ANONYMOUS,
        limit: body.limit,
        cursor: body.cursor,
      })
      const count = (outcome: BulkTask['outcome']): number => report.tasks.filter((task) => task.outcome === outcome).length
      return reply.send({
        action: body.action,
        dry_run: body.dry_run ?? false,
        matched: report.tasks.length,
        done: count('done'),
        refused: count('refused'),
        failed: count('failed'),
        tasks: report.tasks.map(({ taskId, status, outcome, fault }) => ({
          task_id: taskId,
          status,
          outcome,
          ...(fault === undefined ? {} : { code: fault.code, reason: fault.reason, message: fault.message }),
        })),
        next_cursor: report.nextCursor ?? null,
      })
    },
  )
}

const filterOf = (filter: z.output<typeof BULK>['filter']): TaskFilter => ({
  namespace: filter.namespace === undefined ? undefined : namespaceOf(filter.namespace),
  name: filter.name,
  version: filter.version,
  statuses: typeof filter.status === 'string' ? [filter.status] : filter.status,
  tag: filter.tag,
  initiator: filter.initiator,
  correlationId: filter.correlation_id,
  createdFrom: filter.created_after,
  createdBefore: filter.created_before,
  updatedFrom: filter.updated_after,
  updatedBefore: filter.updated_before,
  text: filter.q,
})
