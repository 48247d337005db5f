/** What `result` answers: how a task ended, why it waits for a person, or that neither is so yet. */
import { JSON_NULL, type JsonText, jsonOf, type TaskId, type TaskStatus, unreachable } from '@tasker/core'
import type { TaskOutcome } from '../../engine/api.js'
import { failureText } from '../../query/event-data.js'
import { arrayText, objectText, textOrNull } from '../json-text.js'

export const outcomeText = (outcome: TaskOutcome): JsonText => {
  switch (outcome.type) {
    case 'completed':
      return answer(outcome.taskId, 'complete', { result: outcome.result })
    case 'cancelled':
      return answer(outcome.taskId, 'cancelled', { reason: textOrNull(outcome.reason) })
    case 'ended_in_failure':
      return answer(outcome.taskId, 'error', {
        failure: objectText({ code: jsonOf(outcome.code), message: jsonOf(outcome.message) }),
      })
    case 'resolved_manually':
      return answer(outcome.taskId, 'resolved_manually', { reason: textOrNull(outcome.reason) })
    case 'blocked':
      return answer(outcome.taskId, 'blocked_by_failures', {
        blocked_steps: arrayText(
          outcome.steps.map(({ step, failure }) => objectText({ step_id: jsonOf(step), failure: failureText(failure) })),
        ),
      })
    default:
      return unreachable(outcome)
  }
}

/** The task is still on its way. */
export const pendingText = (taskId: TaskId, status: TaskStatus): JsonText => answer(taskId, status, {})

const answer = (taskId: TaskId, status: TaskStatus, members: { readonly [name: string]: JsonText }): JsonText =>
  objectText({
    task_id: jsonOf(taskId),
    status: jsonOf(status),
    result: JSON_NULL,
    reason: JSON_NULL,
    failure: JSON_NULL,
    blocked_steps: jsonOf([]),
    ...members,
  })
