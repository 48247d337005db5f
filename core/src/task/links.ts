/** Which tasks a task begins as its children, and for which of them it waits. */
import type { TaskId } from '../kernel/ids.js'
import type { ParentLink } from './parent.js'
import { isTerminal, type LiveTask } from './state.js'

/**
 * Whether something may be left to be said between the task and its parent or its children: a child is to begin or to be heard of, or the end of its
 * parent would end it. Children that outlive their parent have to begin though it is over.
 */
export const isLinked = (task: LiveTask): boolean => {
  if (isTerminal(task.phase)) return hasAbandoned(task)
  return task.submitted.parent?.onClose === 'cancel' || (task.journal?.children.size ?? 0) > 0
}

const hasAbandoned = ({ journal }: LiveTask): boolean => {
  for (const { onClose } of journal?.children.values() ?? []) if (onClose === 'abandon') return true
  return false
}

/** Whether the parent waits for its child and has not let go of it. */
export const holdsChild = (parent: LiveTask, { key }: ParentLink, child: TaskId): boolean =>
  !isTerminal(parent.phase) && parent.journal?.children.get(key)?.taskId === child
