/** Retention: what is kept how long, what is archived, and tasks out of their archives. */
import { instantText, type JsonText, jsonOf, type TaskId } from '@tasker/core'
import { z } from 'zod'
import type { RetentionDoor, RetentionStatus } from '../../archive/api.js'
import { Fault } from '../../faults.js'
import type { RestDoor } from '../door.js'
import { type App, sendJson, taskIdIn } from '../route.js'
import { problems } from '../schema/problem.js'
import { TASK_PATH } from '../schema/task.js'

const WAIT_SECONDS_MAX = 20

const HELD = z.object({ unsealed: z.number().int(), unpublished: z.number().int(), refused: z.number().int() })

const STATUS = z.object({
  archive: z.string().describe('Where archives lie.'),
  namespaces: z.array(
    z.object({
      namespace: z.string(),
      age_seconds: z.number().nullable().describe('Null when its tasks are kept for ever.'),
      oldest_ended_at: z.iso.datetime(),
      due: z.boolean(),
    }),
  ),
  archives: z.number().int(),
  archived_tasks: z.number().int(),
  archived_bytes: z.number().int(),
  pending_archives: z.number().int().describe('Archives of which commits may still be in the log.'),
  last_archive_at: z.iso.datetime().nullable(),
  running: z.boolean(),
  last_pass: z
    .object({
      started_at: z.iso.datetime(),
      ended_at: z.iso.datetime().nullable(),
      tasks: z.number().int(),
      held: HELD.describe('Tasks that are due and stay for now, by reason.'),
    })
    .nullable(),
  lag_ms: z.number(),
  problem: z.string().nullable(),
})

const ARCHIVED_TASK = z.looseObject({
  task_id: z.string(),
  archive: z.string(),
  status: z.string(),
  steps: z.array(z.looseObject({ step_id: z.string() })),
  events: z.array(z.looseObject({ version: z.number().int(), type: z.string() })),
})

const RUN = z.strictObject({ wait_seconds: z.coerce.number().int().min(0).max(WAIT_SECONDS_MAX).default(0) })

export const addRetentionRoutes = (app: App, door: RestDoor): void => {
  const tags = ['operations']
  app.get(
    '/v1/retention',
    {
      schema: { tags, summary: 'What is kept how long, and what is archived', response: { 200: STATUS, ...problems(409, 503) } },
    },
    async (_, reply) => sendJson(reply, 200, statusText(await retentionOf(door).status(), retentionOf(door))),
  )
  app.post(
    '/v1/retention/run',
    {
      schema: {
        tags,
        summary: 'Archive what is due now',
        description: 'Begins a pass unless one is under way, and answers when it has ended or the wait is over.',
        querystring: RUN,
        response: { 200: STATUS, 202: STATUS, ...problems(409, 422, 503) },
      },
    },
    async ({ query: { wait_seconds: seconds } }, reply) => {
      const status = await retentionOf(door).run(seconds * 1_000)
      return sendJson(reply, status.running ? 202 : 200, statusText(status, retentionOf(door)))
    },
  )
  app.get(
    '/v1/archive/tasks/:task_id',
    {
      schema: {
        tags: ['tasks'],
        summary: 'Read a task out of its archive, with its history',
        params: TASK_PATH,
        response: { 200: ARCHIVED_TASK, ...problems(404, 409, 503) },
      },
    },
    async ({ params }, reply) => sendJson(reply, 200, await archivedTask(door, taskIdIn(params.task_id))),
  )
}

const archivedTask = async (door: RestDoor, taskId: TaskId): Promise<JsonText> => {
  const text = await retentionOf(door).find(taskId)
  if (text !== undefined) return text
  throw new Fault({
    code: 'NOT_FOUND',
    reason: 'NOT_IN_ARCHIVE',
    message: `No archive holds a task ${taskId}.`,
    hint: `It may still be in the log: tasker task get ${taskId}`,
    context: { task_id: taskId },
  })
}

const retentionOf = ({ retention }: RestDoor): RetentionDoor => {
  if (retention !== undefined) return retention
  throw new Fault({
    code: 'INVALID_STATE',
    reason: 'NO_ARCHIVE',
    message: 'This server has no place for archives.',
    hint: 'Set TASKER_ARCHIVE_DIR, and TASKER_RETENTION to have tasks archived.',
    retryable: false,
  })
}

const statusText = (status: RetentionStatus, retention: RetentionDoor): JsonText =>
  jsonOf({
    archive: status.place,
    namespaces: status.namespaces.map(({ namespace, ageMs, oldestEndedAt, due }) => ({
      namespace,
      age_seconds: ageMs === undefined ? null : ageMs / 1_000,
      oldest_ended_at: instantText(oldestEndedAt),
      due,
    })),
    archives: status.archives,
    archived_tasks: status.tasks,
    archived_bytes: status.bytes,
    pending_archives: status.pendingArchives,
    last_archive_at: status.lastWrittenAt === undefined ? null : instantText(status.lastWrittenAt),
    running: status.running,
    last_pass: passOf(status),
    lag_ms: retention.health().lagMs,
    problem: status.problem ?? null,
  })

const passOf = ({ lastPass }: RetentionStatus) =>
  lastPass === undefined
    ? null
    : {
        started_at: instantText(lastPass.startedAt),
        ended_at: lastPass.endedAt === undefined ? null : instantText(lastPass.endedAt),
        tasks: lastPass.tasks,
        held: { ...lastPass.held },
      }
