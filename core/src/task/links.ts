/** Which tasks a task begins as its children, and for which of them it waits. */
import { stepId, type TaskId } from '../kernel/ids.js'
import { childOfStep, stepChildren } from './function-step.js'
import type { ParentLink } from './parent.js'
import { isTerminal, type LiveTask } from './state.js'

/**
 * Whether something may be left to be said between the task and its parent or its children: a child is to begin or to be heard of, or the end of its
 * parent would end it. Children that outlive their parent have to begin though it is over.
 */
export const isLinked = (task: LiveTask): boolean => {
  if (isTerminal(task.phase)) return hasAbandoned(task)
  return task.submitted.parent?.onClose === 'cancel' || (task.journal?.children.size ?? 0) > 0 || stepChildren(task).length > 0
}

const hasAbandoned = ({ journal }: LiveTask): boolean => {
  for (const { onClose } of journal?.children.values() ?? []) if (onClose === 'abandon') return true
  return false
}

/** Whether the parent waits for its child and has not let go of it. */
export const holdsChild = (parent: LiveTask, { of, key }: ParentLink, child: TaskId): boolean => {
  if (isTerminal(parent.phase)) return false
  if (of === 'function') return parent.journal?.children.get(key)?.taskId === child
  // Running steps of a task that is being cancelled are to stop.
  return parent.phase !== 'cancelling' && childOfStep(parent.steps[parent.graph.indexOf.get(stepId(key)) ?? -1]) === child
}
