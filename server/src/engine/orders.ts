/** What people order of a task: each order becomes a command at the instant it is decided, and its answer waits for the log. */
import type { Instant, TaskCommand, TaskId } from '@tasker/core'
import type { CommandAnswer, TaskOrder } from './api.js'
import { commandAnswer } from './command-answer.js'
import { taskNotFound } from './reads.js'
import type { StreamLoader } from './stream-loader.js'
import type { TaskRuntime } from './task-runtime.js'

export interface OrderParts {
  readonly loader: StreamLoader
  readonly runtime: TaskRuntime
}

export const giveOrder = (
  { loader, runtime }: OrderParts,
  taskId: TaskId,
  order: TaskOrder,
  actor: string,
): Promise<CommandAnswer> =>
  new Promise((resolve) => {
    loader.find(taskId, (found) => {
      if (found.type === 'failed') return resolve({ type: 'failed', fault: found.fault.detail })
      if (found.type === 'none') return resolve({ type: 'failed', fault: taskNotFound(taskId) })
      const { stream } = found
      runtime.apply(stream, dated(order, runtime.now(stream)), { cause: { actor, command: order.type } }, (applied) =>
        resolve(commandAnswer(stream, applied)),
      )
    })
  })

const dated = (order: TaskOrder, at: Instant): TaskCommand => ({ ...order, at })
