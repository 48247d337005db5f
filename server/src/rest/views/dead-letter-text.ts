/** Dead letters as JSON text; metadata and snapshot are spliced as they are. */
import {
  type DeadLetterRow,
  type Instant,
  instantText,
  JSON_NULL,
  type JsonText,
  jsonOf,
  letterId,
  taskStatus,
} from '@tasker/core'
import type { DeadLetterPage, DeadLetterStats, Investigation } from '../../query/dead-letters.js'
import type { MonitoredTask } from '../../query/letters.js'
import { arrayText, atOrNull, objectText, textOrNull } from '../json-text.js'

const MINUTE_MS = 60_000

const members = (row: DeadLetterRow): { readonly [name: string]: JsonText } => ({
  entry_id: jsonOf(letterId(row.taskId, row.entry)),
  task_id: jsonOf(row.taskId),
  namespace: jsonOf(row.namespace),
  name: jsonOf(row.name),
  version: jsonOf(row.version),
  original_state: jsonOf(row.originalState),
  dlq_reason: jsonOf(row.reason),
  step_id: textOrNull(row.step),
  dlq_timestamp: jsonOf(instantText(row.openedAt)),
  resolution_status: jsonOf(row.status),
  resolution_timestamp: atOrNull(row.resolvedAt),
  resolution_notes: textOrNull(row.notes),
  resolved_by: textOrNull(row.resolvedBy),
  metadata: row.metadata ?? JSON_NULL,
  task_snapshot: row.snapshot,
})

export const letterText = (row: DeadLetterRow): JsonText => objectText(members(row))

export const updatedLetterText = (row: DeadLetterRow, message: string): JsonText =>
  objectText({ success: jsonOf(true), message: jsonOf(message), ...members(row) })

export const letterPageText = ({ rows, nextCursor }: DeadLetterPage): JsonText =>
  objectText({ entries: arrayText(rows.map(letterText)), next_cursor: textOrNull(nextCursor) })

export const letterStatsText = (stats: readonly DeadLetterStats[]): JsonText =>
  jsonOf({
    stats: stats.map(({ reason, total, byStatus, oldestAt, newestAt, resolutionMinutesMean }) => ({
      dlq_reason: reason,
      total_entries: total,
      ...byStatus,
      oldest_entry: instantText(oldestAt),
      newest_entry: instantText(newestAt),
      avg_resolution_time_minutes: resolutionMinutesMean ?? null,
    })),
  })

export const investigationsText = (investigations: readonly Investigation[]): JsonText =>
  objectText({
    entries: arrayText(
      investigations.map(({ row, waitedMinutes, priority }) =>
        objectText({ ...members(row), minutes_in_dlq: jsonOf(waitedMinutes), priority_score: jsonOf(priority) }),
      ),
    ),
  })

export const stalenessText = (tasks: readonly MonitoredTask[], now: Instant): JsonText =>
  jsonOf({
    tasks: tasks.map(({ taskId, task, staleness }) => ({
      task_id: taskId,
      namespace: task.submitted.namespace,
      name: task.submitted.name,
      version: task.submitted.version,
      status: taskStatus(task),
      watched_state: staleness.state ?? null,
      step_id: staleness.step ?? null,
      since: instantText(staleness.since),
      time_in_state_minutes: Math.max(0, now - staleness.since) / MINUTE_MS,
      staleness_threshold_minutes: staleness.thresholdMs === undefined ? null : staleness.thresholdMs / MINUTE_MS,
      percent_of_threshold: Math.max(0, staleness.percent),
      health_status: staleness.health,
      task_age_minutes: Math.max(0, now - task.submittedAt) / MINUTE_MS,
      priority: task.submitted.priority,
    })),
  })
