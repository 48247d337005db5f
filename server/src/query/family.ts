/** A task with the tasks that it began, and those that they began. */
import { childrenOf, type ChildView, LIMITS, type LiveTask, type TaskId } from '@tasker/core'
import type { Engine, TaskSnapshot } from '../engine/api.js'
import { Fault } from '../faults.js'

export interface Descendant {
  readonly child: ChildView
  readonly parent: TaskId
  /** Undefined for a task that is not in the log: not begun yet, or archived. */
  readonly state: LiveTask | undefined
}

export interface Family {
  /** Parents before their children. */
  readonly descendants: readonly Descendant[]
  /** There are more. */
  readonly isCut: boolean
}

/** Now; of a moment of the past only what the task itself knew then. */
export const familyOf = async (engine: Pick<Engine, 'read'>, { taskId, state, asOf }: TaskSnapshot): Promise<Family> => {
  const descendants: Descendant[] = []
  const parents: { readonly taskId: TaskId; readonly state: LiveTask }[] = [{ taskId, state }]
  for (const parent of parents) {
    for (const child of childrenOf(parent.state)) {
      if (descendants.length >= LIMITS.familyShownMax) return { descendants, isCut: true }
      const found = asOf === undefined ? await stateOf(engine, child.taskId) : undefined
      descendants.push({ child, parent: parent.taskId, state: found })
      if (found !== undefined) parents.push({ taskId: child.taskId, state: found })
    }
  }
  return { descendants, isCut: false }
}

const stateOf = async (engine: Pick<Engine, 'read'>, taskId: TaskId): Promise<LiveTask | undefined> => {
  try {
    return (await engine.read(taskId))?.state
  } catch (error) {
    if (error instanceof Fault && error.detail.retryable !== true) return undefined
    throw error
  }
}
