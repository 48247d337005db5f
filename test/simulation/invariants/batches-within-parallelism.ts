/** I10: no more workers of a batch are open at once than its parallelism allows. */
import { eachEvent, endsStep, type InvariantOf } from './invariant.js'

export const batchesWithinParallelism: InvariantOf = (violated) =>
  eachEvent<Set<string>>(
    () => new Set(),
    ({ event, after, taskId }, open) => {
      if (event.type === 'step.scheduled') open.add(event.step)
      else if (endsStep(event)) open.delete(event.step)
      if (event.type !== 'step.scheduled') return
      for (const { spec, first, ranges } of after.batches) {
        const workers = after.graph.steps.slice(first, first + ranges.length).filter(({ name }) => open.has(name)).length
        if (workers > spec.parallelism)
          violated(`I10 ${workers} workers of a batch of ${taskId} are open; ${spec.parallelism} may be`, taskId)
      }
    },
  )
