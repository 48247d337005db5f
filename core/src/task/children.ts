/** The tasks that a task began, as people see them. */
import { RUN_STEP } from '../function/template.js'
import { factsOf } from '../function/journal.js'
import { elementAt } from '../kernel/invariant.js'
import type { StepId, TaskId } from '../kernel/ids.js'
import { LIMITS } from '../limits.js'
import { calledFunction, childOfWorker } from './function-step.js'
import type { ParentLink } from './parent.js'
import type { LiveTask, StepState } from './state.js'

export interface ChildView {
  readonly taskId: TaskId
  readonly of: ParentLink['of']
  /** The step that began it; `run` of a durable function. */
  readonly step: StepId
  /** The key of the operation, or the name of the step. */
  readonly key: string
  readonly name: string
  /** How it ended for its parent. */
  readonly outcome: 'open' | 'succeeded' | 'failed' | 'cancelled'
}

/** Those of this life of a function, or the last of each step; the first `LIMITS.childrenShownMax`. */
export const childrenOf = (task: LiveTask): readonly ChildView[] =>
  (task.journal === undefined ? ofSteps(task) : ofFunction(task.journal)).slice(0, LIMITS.childrenShownMax)

const ofFunction = (journal: NonNullable<LiveTask['journal']>): readonly ChildView[] => {
  const children = new Map<string, ChildView>()
  for (const { fact } of factsOf(journal)) {
    if (fact.type === 'child.started') {
      const { key, taskId, name } = fact
      children.set(key, { taskId, of: 'function', step: RUN_STEP, key, name, outcome: 'open' })
    } else if (fact.type === 'child.ended') {
      const begun = children.get(fact.key)
      if (begun !== undefined) children.set(fact.key, { ...begun, outcome: fact.outcome.type })
    }
  }
  return [...children.values()]
}

const ofSteps = (task: LiveTask): readonly ChildView[] => {
  if (!task.plan.delegates) return []
  return task.steps.flatMap((step, index): ChildView[] => {
    const taskId = 'worker' in step ? childOfWorker(step.worker) : undefined
    if (taskId === undefined) return []
    const spec = elementAt(task.graph.steps, index, 'steps of the graph')
    const { name } = calledFunction(spec.handler)
    return [{ taskId, of: 'step', step: spec.name, key: spec.name, name, outcome: OUTCOMES[step.status] ?? 'open' }]
  })
}

const OUTCOMES: { readonly [Status in StepState['status']]?: ChildView['outcome'] } = {
  complete: 'succeeded',
  error: 'failed',
  cancelled: 'cancelled',
}
