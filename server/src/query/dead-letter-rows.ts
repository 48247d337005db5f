/** The wall between stored dead letters and typed ones. */
import {
  DEAD_LETTER_REASONS,
  DEAD_LETTER_STATUSES,
  type DeadLetterRow,
  instant,
  namespaceOf,
  present,
  parseTaskId,
  stepId,
  type TaskId,
  trustedJson,
} from '@tasker/core'
import { z } from 'zod'
import type { DeadLetterStats } from './dead-letters.js'

const count = z.coerce.number().int()
const optionalText = z
  .string()
  .nullable()
  .transform((text) => text ?? undefined)
const optionalInstant = count.nullable().transform((ms) => (ms === null ? undefined : instant(ms)))
const taskId = z.string().transform((text): TaskId => present(parseTaskId(text), `the task id in ${text}`))

const LETTER = z
  .object({
    task_id: taskId,
    entry: count,
    namespace: z.string(),
    name: z.string(),
    version: z.string(),
    reason: z.enum(DEAD_LETTER_REASONS),
    status: z.enum(DEAD_LETTER_STATUSES),
    original_state: z.string(),
    step: optionalText,
    opened_at_ms: count,
    resolved_at_ms: optionalInstant,
    resolved_by: optionalText,
    notes: optionalText,
    metadata: optionalText,
    snapshot: z.string(),
  })
  .transform(
    (row): DeadLetterRow => ({
      taskId: row.task_id,
      entry: row.entry,
      namespace: namespaceOf(row.namespace),
      name: row.name,
      version: row.version,
      reason: row.reason,
      status: row.status,
      originalState: row.original_state,
      step: row.step === undefined ? undefined : stepId(row.step),
      openedAt: instant(row.opened_at_ms),
      resolvedAt: row.resolved_at_ms,
      resolvedBy: row.resolved_by,
      notes: row.notes,
      metadata: row.metadata === undefined ? undefined : trustedJson(row.metadata),
      snapshot: trustedJson(row.snapshot),
    }),
  )

const STATS = z
  .object({
    reason: z.enum(DEAD_LETTER_REASONS),
    total: count,
    pending: count,
    manually_resolved: count,
    permanently_failed: count,
    cancelled: count,
    oldest_at_ms: count,
    newest_at_ms: count,
    resolution_minutes_mean: z.number().nullable(),
  })
  .transform(
    (row): DeadLetterStats => ({
      reason: row.reason,
      total: row.total,
      byStatus: {
        pending: row.pending,
        manually_resolved: row.manually_resolved,
        permanently_failed: row.permanently_failed,
        cancelled: row.cancelled,
      },
      oldestAt: instant(row.oldest_at_ms),
      newestAt: instant(row.newest_at_ms),
      resolutionMinutesMean: row.resolution_minutes_mean ?? undefined,
    }),
  )

const TASK_ID = z.object({ task_id: taskId }).transform((row) => row.task_id)
const PENDING = z.tuple([z.object({ pending: count })])

export const parseLetter = (row: unknown): DeadLetterRow => LETTER.parse(row)
export const parseLetterStats = (row: unknown): DeadLetterStats => STATS.parse(row)
export const parseTaskIdRow = (row: unknown): TaskId => TASK_ID.parse(row)
export const parsePendingCount = (rows: unknown): number => PENDING.parse(rows)[0].pending
