/** I38: what a run of a function hands in is recorded while its worker holds it: an old run that goes on elsewhere leaves nothing. */
import type { TaskEvent } from '@tasker/core'
import type { InvariantOf } from './invariant.js'

export const onlyHoldersRecord: InvariantOf = (violated) => ({
  commit: ({ stored, task }) => {
    if (task?.before.type !== 'task' || task.before.journal === undefined) return
    const own = task.events.find(({ event }) => isOwn(event))
    if (own === undefined) return
    const { taskId } = task
    const run = task.before.steps[0]
    const holder = run?.status === 'in_progress' ? `worker:${run.worker}` : 'nobody'
    // The diverged function that is being cancelled ends with the record that says so.
    if (stored.actor !== holder)
      violated(`I38 ${stored.actor} records ${own.event.type} of ${taskId}, which ${holder} holds`, taskId)
  },
})

/** Only the function itself can have caused it. */
const isOwn = ({ type }: TaskEvent): boolean =>
  type === 'effect.recorded' ||
  type === 'timer.started' ||
  type === 'timer.cancelled' ||
  type === 'step.suspended' ||
  type === 'function.continued' ||
  type === 'function.diverged'
