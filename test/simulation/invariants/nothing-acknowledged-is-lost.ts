/**
 * I6: a task that a client heard is taken is in the log in that moment, and, once faults have stopped, terminal or blocked: it waits for a person, and
 * says for which step.
 */
import { isTerminal, type LiveTask } from '@tasker/core'
import type { InvariantOf } from './invariant.js'

export const nothingAcknowledgedIsLost: InvariantOf = (violated, witness) => ({
  sent: (sent) => {
    if (sent.type === 'taken' && !witness.tasks.has(sent.taskId))
      violated(`I6 a client hears that ${sent.taskId} is taken before the log has it`, sent.taskId)
  },
  rest: ({ acknowledged }) => {
    for (const taskId of acknowledged) {
      const state = witness.tasks.get(taskId)?.state
      if (state?.type !== 'task') violated(`I6 ${taskId} was acknowledged and is not in the log`, taskId)
      else if (!isTerminal(state.phase) && state.phase !== 'blocked')
        violated(`I6 ${taskId} is ${state.phase} and nothing moves it: ${stuckAt(state)}`, taskId)
    }
  },
})

const stuckAt = (task: LiveTask): string =>
  task.steps.map((step, index) => `${task.graph.steps[index]?.name} ${step.status}`).join(', ')
