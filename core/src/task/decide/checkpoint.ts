/** Checkpoint: a running attempt saves how far it came; it keeps its lease, spends nothing, and its time begins anew. */
import type { Decision } from '../../kernel/decider.js'
import { elementAt } from '../../kernel/invariant.js'
import type { CheckpointStep } from '../commands.js'
import type { StepCheckpointed, TaskEvent } from '../events.js'
import type { TaskRefusal } from '../refusals.js'
import type { LiveTask } from '../state.js'
import { isHeldBy, leaseLost, NOTHING_NEW, unknownStep } from './attempt.js'

export const decideCheckpoint = (task: LiveTask, command: CheckpointStep): Decision<TaskEvent, TaskRefusal> => {
  const index = task.graph.indexOf.get(command.step)
  if (index === undefined) return unknownStep(task, command.step)
  const step = elementAt(task.steps, index, 'steps')
  if (!isHeldBy(step, command.attempt, command.worker)) return leaseLost(command, 'its worker does not hold it')
  const last = task.checkpoints.get(index)
  if (last !== undefined && last.attempt === command.attempt && command.number <= last.number) return NOTHING_NEW
  return { type: 'accepted', events: [savedBy(command)] }
}

const savedBy = ({ step, attempt, number, cursor, itemsProcessed, accumulated }: CheckpointStep): StepCheckpointed => ({
  type: 'step.checkpointed',
  step,
  attempt,
  number,
  cursor,
  itemsProcessed,
  ...(accumulated === undefined ? {} : { accumulated }),
})
