/** I32: once faults have stopped no step is ready and waits: every queue knows what waits in it, and a worker takes it. */
import { isTerminal } from '@tasker/core'
import type { InvariantOf } from './invariant.js'

export const queuesKnowWhatWaits: InvariantOf = (violated, witness) => ({
  rest: () => {
    for (const { taskId, state } of witness.tasks.values()) {
      if (state.type !== 'task' || isTerminal(state.phase) || state.pace.type === 'paused') continue
      state.steps.forEach(({ status }, index) => {
        if (status === 'enqueued')
          violated(`I32 ${state.graph.steps[index]?.name} of ${taskId} is ready, and no queue knows it`, taskId)
      })
    }
  },
})
