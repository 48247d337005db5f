/** What people order of a task: each order becomes a command at the instant it is decided, and its answer waits for the log. */
import { isTakingBack, type Instant, type TaskCommand, type TaskId, type TaskState } from '@tasker/core'
import type { FaultDetail } from '../faults.js'
import type { SchemaCheck } from '../templates/json-schema.js'
import { resultProblems } from '../templates/result-schema.js'
import type { CommandAnswer, TaskOrder } from './api.js'
import { taskArchived } from './archiving.js'
import { commandAnswer } from './command-answer.js'
import { taskNotFound } from './reads.js'
import type { StreamLoader } from './stream-loader.js'
import type { TaskRuntime } from './task-runtime.js'

export interface OrderParts {
  readonly loader: StreamLoader
  readonly runtime: TaskRuntime
  readonly schemaCheck: SchemaCheck
}

export const giveOrder = (
  { loader, runtime, schemaCheck }: OrderParts,
  taskId: TaskId,
  order: TaskOrder,
  actor: string,
): Promise<CommandAnswer> =>
  new Promise((resolve) => {
    loader.find(taskId, (found) => {
      if (found.type === 'failed') return resolve({ type: 'failed', fault: found.fault.detail })
      if (found.type === 'none') return resolve({ type: 'failed', fault: taskNotFound(taskId) })
      if (found.type === 'archived') return resolve({ type: 'failed', fault: taskArchived(taskId, found.task) })
      const { stream } = found
      const misfit = resultMisfit(order, stream.state, schemaCheck)
      if (misfit !== undefined) return resolve({ type: 'failed', fault: misfit })
      runtime.apply(stream, dated(order, runtime.now(stream)), { cause: { actor, command: order.type } }, (applied) =>
        resolve(commandAnswer(stream, applied)),
      )
    })
  })

/** A result that a person gives keeps the promise of its step, as a worker's does; what a way back gives was not promised. */
const resultMisfit = (order: TaskOrder, state: TaskState, check: SchemaCheck): FaultDetail | undefined => {
  if (order.type !== 'complete_step' || state.type !== 'task') return undefined
  const index = state.graph.indexOf.get(order.step) ?? -1
  const spec = state.graph.steps[index]
  const errors = spec === undefined || isTakingBack(state, index) ? [] : resultProblems(spec, order.output, check)
  if (errors.length === 0) return undefined
  return {
    code: 'INVALID_INPUT',
    reason: 'RESULT_INVALID',
    message: `the result does not fit the result_schema of step ${order.step}`,
    errors: errors.map((error) => ({ ...error, path: `/completion_data/result${error.path}` })),
    retryable: false,
  }
}

const dated = (order: TaskOrder, at: Instant): TaskCommand => ({ ...order, at })
