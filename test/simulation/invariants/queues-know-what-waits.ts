/** I32: once faults have stopped no step is ready and waits: every queue knows what waits in it, and a worker takes it. */
import { isTerminal, readyRows } from '@tasker/core'
import type { InvariantOf } from './invariant.js'

export const queuesKnowWhatWaits: InvariantOf = (violated, witness) => ({
  rest: () => {
    for (const { taskId, state } of witness.tasks.values()) {
      if (state.type !== 'task' || isTerminal(state.phase) || state.pace.type === 'paused') continue
      for (const { step, queue, gate } of readyRows(taskId, state)) {
        const why = gate === undefined ? 'no queue knows it' : `nobody gives it a place of ${queue}`
        violated(`I32 ${step} of ${taskId} is ready, and ${why}`, taskId)
      }
    }
  },
})
