/**
 * The workers of a batch: made from the ranges of its analyzer, started as far as its parallelism goes, cancelled where one failure ends all.
 *
 * P1  At most `parallelism` workers of a batch are with somebody, wait for somebody, or wait for a retry.
 * P2  The next starts when one has ended; a checkpoint ends nothing.
 */
import { readinessOf } from '../../graph/readiness.js'
import { elementAt } from '../../kernel/invariant.js'
import { stepId, type StepId } from '../../kernel/ids.js'
import { LIMITS } from '../../limits.js'
import type { BatchSpec } from '../../template/batch-spec.js'
import { NO_OP_RANGE, preparedRanges, workerName } from '../batch-ranges.js'
import type { BatchRange, StepChoice } from '../choice.js'
import type { BatchesCreated } from '../events.js'
import type { BatchRun, LiveTask, StepStatus } from '../state.js'
import { isUnended } from '../step-groups.js'
import { begin } from './begin.js'
import type { Draft } from './draft.js'

export type BatchChoice = Extract<StepChoice, { readonly type: 'create_batches' | 'no_batches' }>

export type BatchDecided =
  | { readonly type: 'created'; readonly event: BatchesCreated }
  | { readonly type: 'wrong'; readonly message: string }

/** The workers that an analyzer asks for, or why they cannot be. */
export const batchesOf = (task: LiveTask, spec: BatchSpec, choice: BatchChoice): BatchDecided => {
  const asked = rangesOf(choice, spec.maxWorkers)
  if (asked.type === 'wrong') return asked
  const { name: template } = elementAt(task.graph.steps, spec.workerTemplate, 'steps of the graph')
  const steps = asked.ranges.map(({ id }) => stepId(workerName(template, id)))
  const bad = steps.find((name) => task.graph.indexOf.has(name) || name.length > LIMITS.nameCharsMax)
  if (bad !== undefined) return { type: 'wrong', message: `a worker cannot be called ${JSON.stringify(bad)}` }
  if (task.graph.steps.length + steps.length > LIMITS.taskStepsMax) {
    return { type: 'wrong', message: `a task has at most ${LIMITS.taskStepsMax} steps` }
  }
  return { type: 'created', event: createdEvent(task, spec, choice, steps, asked.ranges) }
}

const rangesOf = (choice: BatchChoice, workersMax: number) =>
  choice.type === 'no_batches' ? ({ type: 'ranges', ranges: [NO_OP_RANGE] } as const) : preparedRanges(choice.ranges, workersMax)

const createdEvent = (
  task: LiveTask,
  spec: BatchSpec,
  choice: BatchChoice,
  steps: readonly StepId[],
  ranges: readonly BatchRange[],
): BatchesCreated => ({
  type: 'steps.created',
  segment: 'batches',
  batchable: elementAt(task.graph.steps, spec.batchable, 'steps of the graph').name,
  steps,
  ranges,
  isNoOp: choice.type === 'no_batches',
  ...(choice.type === 'create_batches' && choice.totalItems !== undefined ? { totalItems: choice.totalItems } : {}),
  ...(choice.type === 'no_batches' && choice.reason !== undefined ? { reason: choice.reason } : {}),
})

/** P1, P2: begins what waits, in the order of the ranges, as far as there is room. Gives the indexes of the workers that ended by that. */
export const fillBatch = (draft: Draft, { spec, first, ranges }: BatchRun): readonly number[] => {
  const ended: number[] = []
  let room = spec.parallelism
  for (let n = 0; n < ranges.length; n++) if (isActive(statusAt(draft, first + n))) room -= 1
  for (let n = 0; n < ranges.length && room > 0; n++) {
    const index = first + n
    if (statusAt(draft, index) !== 'pending' || readinessOf(draft.task, index) !== 'ready') continue
    const over = begin(draft, index)
    if (over.length === 0) room -= 1
    ended.push(...over)
  }
  return ended
}

/** One worker failed for good where that ends the batch: the others are cancelled, running ones too. */
export const cancelBatch = (draft: Draft, { first, ranges }: BatchRun): void => {
  for (let index = first; index < first + ranges.length; index++) {
    if (isUnended(statusAt(draft, index))) draft.add({ type: 'step.cancelled', step: nameAt(draft, index) })
  }
}

const isActive = (status: StepStatus): boolean =>
  status === 'enqueued' || status === 'in_progress' || status === 'waiting_for_retry'

const statusAt = (draft: Draft, index: number): StepStatus => elementAt(draft.task.steps, index, 'steps').status

const nameAt = (draft: Draft, index: number): StepId => elementAt(draft.task.graph.steps, index, 'steps of the graph').name
