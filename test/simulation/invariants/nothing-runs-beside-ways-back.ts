/** I16: when taking back begins nothing of the task is active, and from then on only ways back are. */
import { eachEvent, endsStep, type InvariantOf, isDone } from './invariant.js'

interface Kept {
  readonly active: Set<string>
  readonly complete: Set<string>
}

export const nothingRunsBesideWaysBack: InvariantOf = (violated) =>
  eachEvent<Kept>(
    () => ({ active: new Set(), complete: new Set() }),
    ({ event, taskId, takingBack }, { active, complete }) => {
      if (event.type === 'compensation.started' && active.size > 0)
        violated(`I16 ${[...active].join(', ')} of ${taskId} was active when taking back began`, taskId)
      if (event.type === 'step.scheduled' || event.type === 'step.retry_scheduled') {
        active.add(event.step)
        if (takingBack && !complete.has(event.step))
          violated(`I16 ${event.step} of ${taskId} is tried while others are taken back`, taskId)
      }
      if (isDone(event) && !takingBack) complete.add(event.step)
      if (endsStep(event)) active.delete(event.step)
    },
  )
