/** The row of a task: what lists filter by, and its steps as a document. */
import type { TaskId } from '../kernel/ids.js'
import { elementAt } from '../kernel/invariant.js'
import { trustedJson, type JsonText } from '../kernel/json.js'
import type { LiveTask } from '../task/state.js'
import { doesExist } from '../task/step-groups.js'
import { taskStatus } from '../task/status.js'
import type { TaskRow } from './rows.js'
import { stepViewText } from './step-view.js'

/** `streamVersion` is the version of the last event in `task`. */
export const taskRow = (taskId: TaskId, task: LiveTask, streamVersion: number): TaskRow => {
  const { submitted } = task
  return {
    taskId,
    namespace: submitted.namespace,
    name: submitted.name,
    version: submitted.version,
    status: taskStatus(task),
    priority: submitted.priority,
    tags: submitted.tags,
    initiator: submitted.initiator,
    sourceSystem: submitted.sourceSystem,
    reason: submitted.reason,
    correlationId: submitted.correlationId,
    createdAt: task.submittedAt,
    updatedAt: task.updatedAt,
    endedAt: task.endedAt,
    streamVersion,
    steps: stepsText(task),
  }
}

const stepsText = (task: LiveTask): JsonText => {
  let text = '['
  for (let index = 0; index < task.steps.length; index++) {
    const { status } = elementAt(task.steps, index, 'steps')
    if (doesExist(status)) text += (text === '[' ? '' : ',') + stepViewText(task, index)
  }
  return trustedJson(`${text}]`)
}
