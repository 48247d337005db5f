/** Settle: what follows once steps have ended. Whoever waited for them is ready, and the task ends, blocks or goes on. */
import { elementAt } from '../../kernel/invariant.js'
import { readinessOf } from '../../graph/readiness.js'
import { asksForCompensation, undoOrder } from '../compensation.js'
import type { BatchRun } from '../state.js'
import { activeSteps, batchOf, failedSteps, isUnended, letsOthersGoOn, passedSteps } from '../step-groups.js'
import { cancelBatch, fillBatch } from './batch.js'
import { begin } from './begin.js'
import { closeUnmade } from './branch.js'
import { goOnCompensating, startCompensation, tryCompensatingAgain } from './compensate.js'
import type { Draft } from './draft.js'
import { wake } from './wake.js'

/** `ended` are the indexes of the steps that the draft has just ended. */
export const settle = (draft: Draft, ended: readonly number[]): void => {
  if (draft.task.phase === 'running') releaseAll(draft, ended)
  settleTask(draft)
}

/** Everything that waits for no other step begins. */
export const beginAll = (draft: Draft): void => {
  // A person may have closed steps before their time.
  const closed = draft.task.steps.flatMap((_, index) => (letsOthersGoOn(draft.task, index) ? [index] : []))
  const roots = draft.task.graph.steps.flatMap((_, index) => (readinessOf(draft.task, index) === 'ready' ? [index] : []))
  const ended = roots.flatMap((index) => (isPending(draft, index) ? begin(draft, index) : []))
  releaseAll(draft, [...closed, ...ended])
  settleTask(draft)
}

/** These have become pending again: each begins, unless it waits for others or for room in its batch. */
export const beginAgain = (draft: Draft, indexes: readonly number[]): void => {
  if (draft.task.phase === 'compensating') return tryCompensatingAgain(draft, indexes)
  const batches = new Set<BatchRun>()
  const ended = indexes.flatMap((index) => {
    const batch = batchOf(draft.task, index)
    if (batch !== undefined) batches.add(batch)
    return batch === undefined && readinessOf(draft.task, index) === 'ready' ? again(draft, index) : []
  })
  releaseAll(draft, ended)
  for (const batch of batches) fillBatch(draft, batch)
  settleTask(draft)
}

/** Of a step that has run its condition was asked before. */
const again = (draft: Draft, index: number): readonly number[] => {
  const { attempts } = elementAt(draft.task.steps, index, 'steps')
  if (attempts === 0) return begin(draft, index)
  const { name } = elementAt(draft.task.graph.steps, index, 'steps of the graph')
  draft.add({ type: 'step.scheduled', step: name, attempt: attempts + 1 })
  return []
}

/** Works a queue, because what ends a step may end others, and what begins may end at once. */
const releaseAll = (draft: Draft, ended: readonly number[]): void => {
  let queue = [...ended]
  while (queue.length > 0) {
    const batches = new Set<BatchRun>()
    for (const index of queue) queue.push(...follow(draft, index, batches))
    queue = [...batches].flatMap((batch) => fillBatch(draft, batch))
  }
}

/** What one ended step means for others; batches that may have room for more are noted. Gives what ended by that. */
const follow = (draft: Draft, ended: number, batches: Set<BatchRun>): readonly number[] => {
  const closed = closeUnmade(draft, ended)
  const batch = batchOf(draft.task, ended)
  if (batch !== undefined) {
    batches.add(batch)
    if (batch.spec.failureStrategy === 'fail_fast' && hasFailed(draft, ended)) cancelBatch(draft, batch)
  }
  return [...closed, ...release(draft, ended, batches)]
}

const hasFailed = (draft: Draft, index: number): boolean => elementAt(draft.task.steps, index, 'steps').status === 'error'

/** Everything that waited for this step alone begins; workers of a batch as far as it has room for them. Gives what ended by that. */
const release = (draft: Draft, ended: number, batches: Set<BatchRun>): readonly number[] =>
  elementAt(draft.task.graph.dependents, ended, 'dependents').flatMap((dependent) => {
    if (!isPending(draft, dependent)) return []
    const batch = batchOf(draft.task, dependent)
    if (batch !== undefined) batches.add(batch)
    return batch === undefined && readinessOf(draft.task, dependent) === 'ready' ? begin(draft, dependent) : []
  })

const isPending = (draft: Draft, index: number): boolean => elementAt(draft.task.steps, index, 'steps').status === 'pending'

/** A cancelled task is taken back first, as far as its template says how; what was blocked in its compensation is left as it is. */
const endCancelled = (draft: Draft): void => {
  const { task } = draft
  if (task.compensation === undefined && undoOrder(task).length > 0) startCompensation(draft, 'cancellation')
  else draft.add({ type: 'task.cancelled' })
}

/** What a function called is news for it until it ends itself; then nobody waits for its calls any more. */
const settleFunction = (draft: Draft): void => {
  const run = elementAt(draft.task.steps, RUN, 'steps')
  if (isUnended(run.status)) return wake(draft)
  for (const step of draft.task.journal?.calls.keys() ?? []) draft.add({ type: 'step.cancelled', step })
  if (draft.task.phase === 'cancelling') draft.add({ type: 'task.cancelled' })
  else if (run.status === 'error') failFunction(draft)
  else draft.add({ type: 'task.completed' })
}

const RUN = 0

/** A function that fails says so for good: there is nobody to wait for. */
const failFunction = (draft: Draft): void => {
  const { lastFailure } = elementAt(draft.task.steps, RUN, 'steps')
  draft.add({ type: 'task.failed', code: lastFailure?.code ?? 'FUNCTION_FAILED', message: lastFailure?.message ?? 'It failed.' })
}

/** The task's own end, its block, or the taking back of its work. */
const settleTask = (draft: Draft): void => {
  const { task } = draft
  if (task.journal !== undefined) {
    settleFunction(draft)
  } else if (task.phase === 'compensating') {
    goOnCompensating(draft)
  } else if (task.phase === 'cancelling') {
    if (task.counts.in_progress === 0) endCancelled(draft)
  } else if (passedSteps(task) === task.graph.steps.length) {
    draft.add({ type: 'task.completed' })
  } else if (task.phase === 'running' && activeSteps(task) === 0) {
    if (asksForCompensation(task)) startCompensation(draft, 'failure')
    else draft.add({ type: 'task.blocked', steps: failedSteps(task) })
  }
}
