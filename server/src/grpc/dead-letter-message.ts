/** Dead letters as their messages, and their words as the wire's numbers. */
import {
  type DeadLetterReason,
  type DeadLetterRow,
  type DeadLetterStatus,
  type Instant,
  letterId,
  type StalenessHealth,
  taskStatus,
} from '@tasker/core'
import {
  type DlqEntry,
  DlqReason,
  DlqResolutionStatus,
  type DlqStats,
  type InvestigationQueueEntry,
  StalenessHealthStatus,
  type StalenessMonitoring,
} from '@tasker/proto'
import type { DeadLetterStats, Investigation } from '../query/dead-letters.js'
import type { MonitoredTask } from '../query/letters.js'
import { payloadOf } from './payload.js'

const MINUTE_MS = 60_000

const REASONS: { readonly [Reason in DeadLetterReason]: DlqReason } = {
  staleness_timeout: DlqReason.DLQ_REASON_STALENESS_TIMEOUT,
  max_retries_exceeded: DlqReason.DLQ_REASON_MAX_RETRIES_EXCEEDED,
  dependency_cycle_detected: DlqReason.DLQ_REASON_DEPENDENCY_CYCLE_DETECTED,
  worker_unavailable: DlqReason.DLQ_REASON_WORKER_UNAVAILABLE,
  manual_dlq: DlqReason.DLQ_REASON_MANUAL_DLQ,
  permanent_failure: DlqReason.DLQ_REASON_PERMANENT_FAILURE,
}

const STATUSES: { readonly [Status in DeadLetterStatus]: DlqResolutionStatus } = {
  pending: DlqResolutionStatus.DLQ_RESOLUTION_STATUS_PENDING,
  manually_resolved: DlqResolutionStatus.DLQ_RESOLUTION_STATUS_MANUALLY_RESOLVED,
  permanently_failed: DlqResolutionStatus.DLQ_RESOLUTION_STATUS_PERMANENTLY_FAILED,
  cancelled: DlqResolutionStatus.DLQ_RESOLUTION_STATUS_CANCELLED,
}

const HEALTHS: { readonly [Health in StalenessHealth]: StalenessHealthStatus } = {
  healthy: StalenessHealthStatus.STALENESS_HEALTH_STATUS_HEALTHY,
  warning: StalenessHealthStatus.STALENESS_HEALTH_STATUS_WARNING,
  stale: StalenessHealthStatus.STALENESS_HEALTH_STATUS_STALE,
}

const keyOf = <Word extends string, Number>(words: { readonly [Key in Word]: Number }, number: Number): Word | undefined => {
  for (const word in words) if (words[word] === number) return word
  return undefined
}

/** Undefined for what is not said, or is no reason. */
export const reasonOf = (reason: DlqReason): DeadLetterReason | undefined => keyOf(REASONS, reason)

export const statusOf = (status: DlqResolutionStatus): DeadLetterStatus | undefined => keyOf(STATUSES, status)

export const wireLetter = (row: DeadLetterRow): DlqEntry => ({
  entryId: letterId(row.taskId, row.entry),
  taskId: row.taskId,
  namespace: row.namespace,
  name: row.name,
  version: row.version,
  originalState: row.originalState,
  dlqReason: REASONS[row.reason],
  stepId: row.step ?? '',
  dlqTimestampMs: row.openedAt,
  resolutionStatus: STATUSES[row.status],
  resolutionTimestampMs: row.resolvedAt ?? 0,
  resolutionNotes: row.notes ?? '',
  resolvedBy: row.resolvedBy ?? '',
  metadata: row.metadata === undefined ? undefined : payloadOf(row.metadata),
  taskSnapshot: payloadOf(row.snapshot),
})

export const wireStats = ({ reason, total, byStatus, oldestAt, newestAt, resolutionMinutesMean }: DeadLetterStats): DlqStats => ({
  dlqReason: REASONS[reason],
  totalEntries: total,
  pending: byStatus.pending,
  manuallyResolved: byStatus.manually_resolved,
  permanentlyFailed: byStatus.permanently_failed,
  cancelled: byStatus.cancelled,
  oldestEntryMs: oldestAt,
  newestEntryMs: newestAt,
  avgResolutionTimeMinutes: resolutionMinutesMean,
})

export const wireInvestigation = ({ row, waitedMinutes, priority }: Investigation): InvestigationQueueEntry => ({
  entry: wireLetter(row),
  minutesInDlq: waitedMinutes,
  priorityScore: priority,
})

export const wireMonitored =
  (now: Instant) =>
  ({ taskId, task, staleness }: MonitoredTask): StalenessMonitoring => ({
    taskId,
    namespace: task.submitted.namespace,
    name: task.submitted.name,
    version: task.submitted.version,
    status: taskStatus(task),
    watchedState: staleness.state ?? '',
    stepId: staleness.step ?? '',
    sinceMs: staleness.since,
    timeInStateMinutes: Math.max(0, now - staleness.since) / MINUTE_MS,
    stalenessThresholdMinutes: (staleness.thresholdMs ?? 0) / MINUTE_MS,
    percentOfThreshold: Math.max(0, staleness.percent),
    healthStatus: HEALTHS[staleness.health],
    taskAgeMinutes: Math.max(0, now - task.submittedAt) / MINUTE_MS,
    priority: task.submitted.priority,
  })
