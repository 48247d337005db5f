/** Histories as they would be recorded, made of the orders of the decider's tests. */
import { decide, evolve, NO_TASK, type Plan, type RecordedTaskEvent, type TaskState, versionNumber } from '@tasker/core'
import type { Order } from '../../../support/given.js'

export const recordedOf = (of: Plan, ...history: readonly Order[]): readonly RecordedTaskEvent[] => {
  const recorded: RecordedTaskEvent[] = []
  let state: TaskState = NO_TASK
  for (const order of history) {
    const command = order(of)
    const decision = decide(state, command)
    if (decision.type === 'refused') throw new Error(decision.refusal.message)
    for (const event of decision.events) {
      state = evolve(state, event, command.at, of)
      const version = versionNumber(recorded.length + 1)
      recorded.push({ version, at: command.at, event, cause: { actor: 'tests', command: command.type } })
    }
  }
  return recorded
}
