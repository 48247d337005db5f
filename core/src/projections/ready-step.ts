/** The steps of a task that wait for a worker, and the queue each waits in. */
import { elementAt } from '../kernel/invariant.js'
import { handlerName, type HandlerName, type TaskId } from '../kernel/ids.js'
import type { StepSpec } from '../template/template.js'
import type { LiveTask } from '../task/state.js'
import type { ReadyRow } from './rows.js'

const DEFAULT_METHOD = 'call'
const NO_ROWS: readonly ReadyRow[] = []

/** What a worker must offer to run the step: its callable, or `callable#method` where the method is not `call`. */
export const queueHandler = ({ handler }: StepSpec): HandlerName =>
  handler.method === DEFAULT_METHOD ? handler.callable : handlerName(`${handler.callable}#${handler.method}`)

export const readyRows = (taskId: TaskId, task: LiveTask): readonly ReadyRow[] => {
  if (task.counts.enqueued === 0) return NO_ROWS
  return task.steps.flatMap((step, index): ReadyRow[] => {
    if (step.status !== 'enqueued') return []
    const spec = elementAt(task.graph.steps, index, 'steps of the graph')
    return [
      {
        taskId,
        step: spec.name,
        attempt: step.attempts,
        namespace: task.submitted.namespace,
        handler: queueHandler(spec),
        priority: task.submitted.priority,
        readyAt: step.since,
      },
    ]
  })
}
