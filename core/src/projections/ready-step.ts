/** The steps of a task that wait for a worker, and the queue each waits in. */
import { keyGate } from '../key/gate.js'
import { keyQueue } from '../key/key.js'
import { elementAt } from '../kernel/invariant.js'
import { handlerName, type HandlerName, type TaskId } from '../kernel/ids.js'
import { LIMITS } from '../limits.js'
import { functionQueue, handlerQueue } from '../queue/name.js'
import { readyRank } from '../queue/order.js'
import type { HandlerSpec, StepSpec } from '../template/template.js'
import { runOf } from '../task/compensation.js'
import { runsChild } from '../task/function-step.js'
import type { LiveTask } from '../task/state.js'
import type { ReadyRow } from './rows.js'

const DEFAULT_METHOD = 'call'
const NO_ROWS: readonly ReadyRow[] = []

/** What a worker must offer to run the step: its callable, or `callable#method` where the method is not `call`. */
export const queueHandler = (task: LiveTask, index: number): HandlerName => offeredHandler(runOf(task, index).handler)

/** The same for a handler. */
export const offeredHandler = (handler: HandlerSpec): HandlerName =>
  handler.method === DEFAULT_METHOD ? handler.callable : handlerName(`${handler.callable}#${handler.method}`)

/** How urgent a step is: its task's priority, moved by its own. */
export const stepPriority = ({ submitted }: LiveTask, { priority }: StepSpec): number =>
  Math.min(LIMITS.priorityMax, Math.max(-LIMITS.priorityMax, submitted.priority + priority))

export const readyRows = (taskId: TaskId, task: LiveTask): readonly ReadyRow[] => {
  if (task.counts.enqueued === 0 || task.pace.type === 'paused') return NO_ROWS
  return task.steps.flatMap((step, index): ReadyRow[] => {
    if (step.status !== 'enqueued') return []
    const spec = elementAt(task.graph.steps, index, 'steps of the graph')
    const handler = queueHandler(task, index)
    const priority = stepPriority(task, spec)
    const gate = runOf(task, index).keys.length === 0 ? undefined : keyGate(task, index)
    return [
      {
        taskId,
        step: spec.name,
        attempt: step.attempts,
        namespace: task.submitted.namespace,
        handler,
        queue: gate === undefined ? (runsChild(task, index) ? functionQueue(handler) : handlerQueue(handler)) : keyQueue(gate),
        gate: gate === undefined ? undefined : { limit: gate.limit, perMs: gate.perMs },
        fairnessKey: task.submitted.fairnessKey ?? '',
        priority,
        readyAt: step.since,
        rank: readyRank(priority, step.since),
      },
    ]
  })
}
