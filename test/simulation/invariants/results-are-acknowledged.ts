/** I28: once faults have stopped every result that a worker sent is acknowledged: no worker holds one for ever. */
import type { InvariantOf } from './invariant.js'

export const resultsAreAcknowledged: InvariantOf = (violated) => ({
  rest: ({ workers }) => {
    for (const { name, unacknowledged } of workers)
      for (const { taskId, step, attempt } of unacknowledged)
        violated(
          `I28 ${name} was never told of its result of attempt ${attempt} of ${step} of ${taskId}: no acknowledgement`,
          taskId,
        )
  },
})
