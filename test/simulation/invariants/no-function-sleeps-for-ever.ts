/** I41: once faults have stopped and whoever waits for a signal has had one, every function comes to its end, or waits for a person. */
import { isTerminal } from '@tasker/core'
import type { InvariantOf } from './invariant.js'

export const noFunctionSleepsForEver: InvariantOf = (violated, witness) => ({
  rest: () => {
    for (const { taskId, state } of witness.tasks.values()) {
      if (state.type !== 'task' || state.journal === undefined) continue
      if (isTerminal(state.phase) || state.phase === 'blocked') continue
      violated(`I41 ${taskId} is ${state.phase} for ever: its run is ${state.steps[0]?.status}`, taskId)
    }
  },
})
