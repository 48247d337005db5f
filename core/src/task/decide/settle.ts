/** Settle: what follows once steps have ended. Whoever waited for them is ready, and the task ends, blocks or goes on. */
import { elementAt } from '../../kernel/invariant.js'
import { readinessOf } from '../../graph/readiness.js'
import type { BatchRun } from '../state.js'
import { activeSteps, batchOf, failedSteps, passedSteps } from '../step-groups.js'
import { cancelBatch, fillBatch } from './batch.js'
import { closeUnmade } from './branch.js'
import type { Draft } from './draft.js'

/** `ended` are the indexes of the steps that the draft has just ended. */
export const settle = (draft: Draft, ended: readonly number[]): void => {
  if (draft.task.phase === 'running') releaseAll(draft, ended)
  settleTask(draft)
}

/** Works a queue, because what ends a step may end others. */
const releaseAll = (draft: Draft, ended: readonly number[]): void => {
  const queue = [...ended]
  const batches = new Set<BatchRun>()
  for (const index of queue) {
    queue.push(...closeUnmade(draft, index))
    const batch = batchOf(draft.task, index)
    if (batch !== undefined) {
      batches.add(batch)
      if (batch.spec.failureStrategy === 'fail_fast' && hasFailed(draft, index)) cancelBatch(draft, batch)
    }
    release(draft, index, batches)
  }
  for (const batch of batches) fillBatch(draft, batch)
}

const hasFailed = (draft: Draft, index: number): boolean => elementAt(draft.task.steps, index, 'steps').status === 'error'

/** Everything that waited for this step alone is ready; workers of a batch as far as it has room for them. */
const release = (draft: Draft, ended: number, batches: Set<BatchRun>): void => {
  for (const dependent of elementAt(draft.task.graph.dependents, ended, 'dependents')) {
    if (elementAt(draft.task.steps, dependent, 'steps').status !== 'pending') continue
    const batch = batchOf(draft.task, dependent)
    if (batch !== undefined) batches.add(batch)
    else if (readinessOf(draft.task, dependent) === 'ready') schedule(draft, dependent)
  }
}

const schedule = (draft: Draft, index: number): void => {
  const { attempts } = elementAt(draft.task.steps, index, 'steps')
  const { name } = elementAt(draft.task.graph.steps, index, 'steps of the graph')
  draft.add({ type: 'step.scheduled', step: name, attempt: attempts + 1 })
}

/** The task's own end, or its block: nothing is active, and something that did not succeed holds the rest up. */
const settleTask = (draft: Draft): void => {
  const { task } = draft
  if (task.phase === 'cancelling') {
    if (task.counts.in_progress === 0) draft.add({ type: 'task.cancelled' })
  } else if (passedSteps(task) === task.graph.steps.length) {
    draft.add({ type: 'task.completed' })
  } else if (task.counts.error + task.counts.cancelled > 0 && activeSteps(task) === 0) {
    draft.add({ type: 'task.blocked', steps: failedSteps(task) })
  }
}
