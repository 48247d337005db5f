/** The wall between SQL rows and typed rows: column types are checked once, big integers become numbers. */
import {
  BugError,
  instant,
  namespaceOf,
  parseTaskId,
  type TaskId,
  type TaskRow,
  type TaskStatus,
  trustedJson,
} from '@tasker/core'
import { z } from 'zod'

/** Every status a list may filter by and a row may have, in the order people meet them. */
export const TASK_STATUSES = [
  'scheduled',
  'pending',
  'steps_in_process',
  'waiting_for_dependencies',
  'waiting_for_retry',
  'sleeping',
  'waiting_for_signal',
  'diverged',
  'paused',
  'cancelling',
  'compensating',
  'blocked_by_failures',
  'complete',
  'cancelled',
  'error',
  'resolved_manually',
] as const satisfies readonly TaskStatus[]

const optionalText = z
  .string()
  .nullable()
  .transform((text) => text ?? undefined)
const epochMs = z.coerce.number().int()

const TASK_ROW = z.object({
  task_id: z.string(),
  namespace: z.string(),
  name: z.string(),
  version: z.string(),
  status: z.enum(TASK_STATUSES),
  priority: z.number(),
  tags: z.array(z.string()),
  initiator: optionalText,
  source_system: optionalText,
  reason: optionalText,
  correlation_id: z.string(),
  created_at_ms: epochMs,
  updated_at_ms: epochMs,
  ended_at_ms: epochMs.nullable(),
  stream_version: z.coerce.number().int(),
  steps: z.string(),
})

const CHECKPOINT_ROWS = z.array(z.object({ partition: z.number().int(), seq: z.coerce.number().int() }))

export const parseTaskRow = (row: unknown): TaskRow => {
  const task = TASK_ROW.parse(row)
  return {
    taskId: storedTaskId(task.task_id),
    namespace: namespaceOf(task.namespace),
    name: task.name,
    version: task.version,
    status: task.status,
    priority: task.priority,
    tags: task.tags,
    initiator: task.initiator,
    sourceSystem: task.source_system,
    reason: task.reason,
    correlationId: task.correlation_id,
    createdAt: instant(task.created_at_ms),
    updatedAt: instant(task.updated_at_ms),
    endedAt: task.ended_at_ms === null ? undefined : instant(task.ended_at_ms),
    streamVersion: task.stream_version,
    steps: trustedJson(task.steps),
  }
}

export const parseCheckpointRows = (rows: readonly unknown[]): ReadonlyMap<number, number> =>
  new Map(CHECKPOINT_ROWS.parse(rows).map((row) => [row.partition, row.seq]))

const storedTaskId = (text: string): TaskId => {
  const taskId = parseTaskId(text)
  if (taskId === undefined) throw new BugError(`a row of the table task has the id ${text}`)
  return taskId
}
