/** Retry: every step whose failure holds the task up is tried again, with a new budget, and the task goes on. */
import type { Decision } from '../../kernel/decider.js'
import { elementAt } from '../../kernel/invariant.js'
import type { RetryTask } from '../commands.js'
import type { TaskEvent } from '../events.js'
import { refuse, type TaskRefusal } from '../refusals.js'
import type { LiveTask } from '../state.js'
import { mayBeReset } from './by-hand.js'
import { RUN_STEP } from '../../function/template.js'
import { hasDiverged } from '../suspended.js'
import { draftOf } from './draft.js'
import { closedToOperators, said } from './operator.js'
import { beginAgain } from './settle.js'
import { wake } from './wake.js'

export const decideRetry = (task: LiveTask, command: RetryTask): Decision<TaskEvent, TaskRefusal> => {
  const closed = closedToOperators(task)
  if (closed !== undefined) return closed
  if (hasDiverged(task)) return letFunctionRun(task, command)
  const indexes = task.steps.flatMap((_, index) => (mayBeReset(task, index) ? [index] : []))
  if (indexes.length === 0) return refuse('NOTHING_TO_RETRY', `No step of the task ${task.submitted.name} has failed.`)
  const steps = indexes.map((index) => elementAt(task.graph.steps, index, 'steps of the graph').name)
  const draft = draftOf(task, command.at)
  draft.add({ type: 'task.retried', steps, ...said(command) })
  for (const step of steps) draft.add({ type: 'step.reset_for_retry', step })
  beginAgain(draft, indexes)
  return { type: 'accepted', events: draft.events }
}

/** Its code may fit now: another worker, another version, or what is new is behind `patched`. */
const letFunctionRun = (task: LiveTask, command: RetryTask): Decision<TaskEvent, TaskRefusal> => {
  const draft = draftOf(task, command.at)
  draft.add({ type: 'task.retried', steps: [RUN_STEP], ...said(command) })
  wake(draft)
  return { type: 'accepted', events: draft.events }
}
