/** Resolve: an operator closes a blocked task as it is. Steps that never ended become cancelled, failed ones stay what they are. */
import type { Decision } from '../../kernel/decider.js'
import { elementAt } from '../../kernel/invariant.js'
import type { ResolveTask } from '../commands.js'
import type { TaskEvent } from '../events.js'
import { refuse, type TaskRefusal } from '../refusals.js'
import type { LiveTask } from '../state.js'
import { isOpen } from '../step-groups.js'
import { draftOf } from './draft.js'
import { said } from './operator.js'

export const decideResolve = (task: LiveTask, command: ResolveTask): Decision<TaskEvent, TaskRefusal> => {
  if (task.phase !== 'blocked') {
    return refuse('TASK_NOT_BLOCKED', `The task ${task.submitted.name} is not blocked, so there is nothing to resolve.`)
  }
  const draft = draftOf(task, command.at)
  task.graph.steps.forEach(({ name }, index) => {
    if (isOpen(elementAt(task.steps, index, 'steps').status)) draft.add({ type: 'step.cancelled', step: name })
  })
  draft.add({ type: 'task.resolved_manually', ...said(command) })
  return { type: 'accepted', events: draft.events }
}
