/** The wait that `runAt` asked for is over: whatever waits for no other step is ready. */
import type { Decision } from '../../kernel/decider.js'
import type { ReleaseTask } from '../commands.js'
import type { TaskEvent } from '../events.js'
import { refuse, type TaskRefusal } from '../refusals.js'
import type { LiveTask } from '../state.js'
import { draftOf } from './draft.js'
import { beginAll } from './settle.js'

/** Steps that a person closed in the meantime are not ready, and those behind them may be. */
export const decideRunDue = (task: LiveTask, command: ReleaseTask): Decision<TaskEvent, TaskRefusal> => {
  if (task.phase !== 'waiting') return refuse('NOT_DUE', 'The task does not wait for a start time.')
  const { runAt } = task.submitted
  if (runAt !== undefined && command.at < runAt) return refuse('NOT_DUE', 'The start time of the task is not reached.')
  const draft = draftOf(task, command.at)
  beginAll(draft)
  return { type: 'accepted', events: draft.events }
}
