/** What a parent has begun, as its durable state says it: the child that is to be submitted, or why it cannot be. */
import {
  calledFunction,
  childOfWorker,
  functionInput,
  isTerminal,
  JSON_NULL,
  type LiveTask,
  type ParentLink,
  stepId,
  type TaskId,
} from '@tasker/core'
import type { FaultDetail } from '../../faults.js'
import { type Begun, childFault, depthBelow, refusal } from './child-task.js'

/** Which of its children: the key of an operation, or an attempt of a step. */
export type ChildRef = Pick<ParentLink, 'of' | 'key' | 'round'>

export interface ChildToBegin {
  readonly begun: Begun
  /** Why it is refused without being submitted. */
  readonly fault: FaultDetail | undefined
}

/** Undefined when the parent has let go of it, so that it need not begin any more. */
export const childToBegin = (parentId: TaskId, parent: LiveTask, ref: ChildRef): ChildToBegin | undefined =>
  ref.of === 'function' ? ofFunction(parentId, parent, ref.key) : ofStep(parentId, parent, ref)

/** A child that outlives its parent begins though that is over. */
const ofFunction = (parentId: TaskId, parent: LiveTask, key: string): ChildToBegin | undefined => {
  const { journal } = parent
  const child = journal?.children.get(key)
  if (journal === undefined || child === undefined) return undefined
  const { taskId, namespace, name, version, input, onClose } = child
  if (isTerminal(parent.phase) && onClose === 'cancel') return undefined
  const link: ParentLink = { taskId: parentId, of: 'function', key, round: journal.life, onClose, depth: depthBelow(parent) }
  const begun = { taskId, namespace, name, version, input, link }
  return { begun, fault: childFault(begun) }
}

const ofStep = (parentId: TaskId, parent: LiveTask, { key, round }: ChildRef): ChildToBegin | undefined => {
  const index = parent.graph.indexOf.get(stepId(key)) ?? -1
  const [step, spec] = [parent.steps[index], parent.graph.steps[index]]
  if (step?.status !== 'in_progress' || step.attempts !== round || spec === undefined) return undefined
  const taskId = childOfWorker(step.worker)
  if (taskId === undefined || parent.phase === 'cancelling') return undefined
  const { name, version } = calledFunction(spec.handler)
  const link: ParentLink = { taskId: parentId, of: 'step', key, round, onClose: 'cancel', depth: depthBelow(parent) }
  const made = functionInput(parent, index)
  const input = made.type === 'input' ? made.input : JSON_NULL
  const begun = { taskId, namespace: parent.submitted.namespace, name, version, input, link }
  if (made.type === 'failed') return { begun, fault: refusal('STEP_INPUT_FAILED', `the input has no value: ${made.message}`) }
  return { begun, fault: childFault(begun) }
}
