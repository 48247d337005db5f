/** One entry of a step's audit as JSON text; results go out byte for byte. */
import { instantText, JSON_NULL, type JsonText, jsonOf, type StepAuditEntry, type StepId } from '@tasker/core'
import type { TaskSnapshot } from '../../engine/api.js'
import { failureText } from '../../query/event-data.js'
import { objectText, textOrNull } from '../json-text.js'

export const auditText = ({ taskId, state }: TaskSnapshot, step: StepId, entry: StepAuditEntry): JsonText =>
  objectText({
    audit_id: jsonOf(`${taskId}:${entry.version}`),
    task_id: jsonOf(taskId),
    step_id: jsonOf(step),
    version: jsonOf(entry.version),
    event: jsonOf(entry.event),
    recorded_at: jsonOf(instantText(entry.recordedAt)),
    actor: jsonOf(entry.actor),
    worker_id: textOrNull(entry.workerId),
    correlation_id: jsonOf(state.submitted.correlationId),
    from_state: textOrNull(entry.fromState),
    to_state: jsonOf(entry.toState),
    attempt: jsonOf(entry.attempt ?? null),
    success: jsonOf(entry.success ?? null),
    execution_time_ms: jsonOf(entry.executionTimeMs ?? null),
    result: entry.result ?? JSON_NULL,
    failure: entry.failure === undefined ? JSON_NULL : failureText(entry.failure),
    reason: textOrNull(entry.reason),
    by: textOrNull(entry.by),
    metadata: entry.metadata ?? JSON_NULL,
  })
