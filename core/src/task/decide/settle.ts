/** Settle: what follows once steps have ended. Whoever waited for them is ready, and the task ends, blocks or goes on. */
import { elementAt } from '../../kernel/invariant.js'
import { readinessOf } from '../../graph/readiness.js'
import { activeSteps, failedSteps, satisfiedSteps } from '../step-groups.js'
import type { Draft } from './draft.js'

/** `ended` are the indexes of the steps that the draft has just ended. */
export const settle = (draft: Draft, ended: readonly number[]): void => {
  if (draft.task.phase === 'running') for (const index of ended) release(draft, index)
  settleTask(draft)
}

/** Everything that waited for this step alone is ready. */
const release = (draft: Draft, ended: number): void => {
  for (const dependent of elementAt(draft.task.graph.dependents, ended, 'dependents')) {
    if (elementAt(draft.task.steps, dependent, 'steps').status !== 'pending') continue
    if (readinessOf(draft.task, dependent) === 'ready') schedule(draft, dependent)
  }
}

const schedule = (draft: Draft, index: number): void => {
  const { attempts } = elementAt(draft.task.steps, index, 'steps')
  const { name } = elementAt(draft.task.graph.steps, index, 'steps of the graph')
  draft.add({ type: 'step.scheduled', step: name, attempt: attempts + 1 })
}

/** The task's own end, or its block. */
const settleTask = (draft: Draft): void => {
  const { task } = draft
  if (task.phase === 'cancelling') {
    if (task.counts.in_progress === 0) draft.add({ type: 'task.cancelled' })
  } else if (satisfiedSteps(task) === task.graph.steps.length) {
    draft.add({ type: 'task.completed' })
  } else if (task.counts.error > 0 && activeSteps(task) === 0) {
    draft.add({ type: 'task.blocked', steps: failedSteps(task) })
  }
}
