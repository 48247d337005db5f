/** What the end of a decision or an analyzer makes of the task: the steps that begin to exist, and those that never will. */
import { branchedBy, branchesOf } from '../../graph/branches.js'
import { elementAt } from '../../kernel/invariant.js'
import { stepId } from '../../kernel/ids.js'
import { LIMITS } from '../../limits.js'
import type { StepChoice } from '../choice.js'
import type { StepsCreated } from '../events.js'
import type { Failure } from '../failure.js'
import type { LiveTask } from '../state.js'
import { letsOthersGoOn } from '../step-groups.js'
import { batchesOf } from './batch.js'
import type { Draft } from './draft.js'

/** What an outcome creates, none for a step of another kind; or the failure of one that cannot be carried out. */
export type Opened =
  | { readonly type: 'opened'; readonly event: StepsCreated | undefined }
  | { readonly type: 'wrong'; readonly failure: Failure }

/** The outcome of the step at `index` must fit its type (W15). */
export const openedBy = (task: LiveTask, index: number, choice: StepChoice | undefined): Opened => {
  const { type } = elementAt(task.graph.steps, index, 'steps of the graph')
  if (choice === undefined) {
    if (type !== 'decision' && type !== 'batchable') return { type: 'opened', event: undefined }
    return notExpected(`a step of type ${type} ends with ${type === 'decision' ? 'decision' : 'batches'}, not with success`)
  }
  switch (choice.type) {
    case 'create_steps':
    case 'no_branches':
      if (type !== 'decision') return notExpected(`a step of type ${type} makes no decision`)
      return decided(task, index, choice)
    case 'create_batches':
    case 'no_batches':
      if (type !== 'batchable') return notExpected(`a step of type ${type} makes no batches`)
      return batched(task, index, choice)
  }
}

const decided = (
  task: LiveTask,
  index: number,
  choice: Extract<StepChoice, { readonly type: 'create_steps' | 'no_branches' }>,
): Opened => {
  if (choice.type === 'no_branches') return { type: 'opened', event: branchesEvent(task, index, [], choice.reason) }
  const { names } = choice
  if (names.length === 0) return badDecision('it names no step; a decision for none of them says no_branches')
  if (names.length > LIMITS.stepsPerDecisionMax) {
    return badDecision(`it names ${names.length} steps; ${LIMITS.stepsPerDecisionMax} are allowed`)
  }
  const branches = branchesOf(task.plan, index)
  const chosen = new Set<number>()
  for (const name of names) {
    const branch = task.plan.indexOf.get(stepId(name))
    if (branch === undefined) return badDecision(`there is no step ${JSON.stringify(name)}`)
    if (!branches.has(branch)) return badDecision(`the step ${JSON.stringify(name)} is no branch of this decision`)
    chosen.add(branch)
  }
  return { type: 'opened', event: branchesEvent(task, index, [...chosen], undefined) }
}

const batched = (
  task: LiveTask,
  index: number,
  choice: Extract<StepChoice, { readonly type: 'create_batches' | 'no_batches' }>,
): Opened => {
  const spec = task.plan.batches.find(({ batchable }) => batchable === index)
  if (spec === undefined) return notExpected('the step has no worker template')
  const made = batchesOf(task, spec, choice)
  if (made.type === 'created') return { type: 'opened', event: made.event }
  return { type: 'wrong', failure: { message: made.message, errorType: 'BatchError', code: 'BAD_BATCHES', retryable: false } }
}

const branchesEvent = (task: LiveTask, decision: number, chosen: readonly number[], reason: string | undefined): StepsCreated => {
  const nameOf = (index: number) => elementAt(task.plan.steps, index, 'plan steps').name
  const { created, notTaken } = branchedBy(task.plan, {
    isOpen: (index) => statusOf(task, index) === 'uncreated',
    isNotTaken: (index) => statusOf(task, index) === 'not_taken',
    choices: new Map(task.choices).set(decision, chosen),
  })
  return {
    type: 'steps.created',
    segment: 'decision',
    decision: nameOf(decision),
    chosen: chosen.map(nameOf),
    steps: created.map(nameOf),
    notTaken: notTaken.map(nameOf),
    ...(reason === undefined ? {} : { reason }),
  }
}

/**
 * B2: a decision or an analyzer that let others go on without saying anything (skipped, resolved by hand) chose nothing. Gives the indexes of the
 * steps that are not taken for it, or for the choice just made.
 */
export const closeUnmade = (draft: Draft, index: number): readonly number[] => {
  const { task } = draft
  const { type, name } = elementAt(task.graph.steps, index, 'steps of the graph')
  if ((type !== 'decision' && type !== 'batchable') || !letsOthersGoOn(task, index)) return []
  if (statusOf(task, index) === 'not_taken') return []
  if (type === 'decision') {
    if (!task.choices.has(index)) draft.add(branchesEvent(task, index, [], undefined))
  } else if (!task.batches.some(({ spec }) => spec.batchable === index)) {
    draft.add({ type: 'steps.created', segment: 'batches', batchable: name, steps: [], ranges: [], isNoOp: false })
  }
  return notTakenBehind(draft.task, index)
}

/** Whoever waits for these goes on. */
const notTakenBehind = (task: LiveTask, index: number): readonly number[] => {
  const behind = new Set(elementAt(task.plan.dependents, index, 'dependents'))
  for (const step of behind) for (const next of elementAt(task.plan.dependents, step, 'dependents')) behind.add(next)
  return [...behind].filter((step) => statusOf(task, step) === 'not_taken')
}

const statusOf = (task: LiveTask, index: number) => elementAt(task.steps, index, 'steps').status

const notExpected = (message: string): Opened => ({
  type: 'wrong',
  failure: { message, errorType: 'OutcomeError', code: 'OUTCOME_NOT_EXPECTED', retryable: false },
})

const badDecision = (message: string): Opened => ({
  type: 'wrong',
  failure: {
    message: `the decision cannot be carried out: ${message}`,
    errorType: 'DecisionError',
    code: 'BAD_DECISION',
    retryable: false,
  },
})
