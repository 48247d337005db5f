/**
 * Steps whose work is another task: of a durable function, or of another template.
 *
 * D1  Such a step has no worker. It runs while its child runs, and what the child gives is what the step gives.
 * D2  Each attempt has a child of its own, so a retry begins anew, and an attempt that is over lets go of its child.
 */
import { evaluateExpression, type Roots } from '../expression/expression.js'
import { readKey } from '../expression/key.js'
import { elementAt } from '../kernel/invariant.js'
import { parseTaskId, type StepId, type TaskId, type WorkerId, workerId } from '../kernel/ids.js'
import { type Json, jsonOf, type JsonText } from '../kernel/json.js'
import type { HandlerSpec } from '../template/template.js'
import { isTakingBack } from './compensation.js'
import { expressionRoots } from './expression-roots.js'
import type { LiveTask, StepState } from './state.js'

const CHILD = 'task:'

/** Who runs an attempt whose work is a task. */
export const childWorker = (child: TaskId): WorkerId => workerId(CHILD + child)

/** The task whose work an attempt is; undefined when a worker has it. */
export const childOfWorker = (worker: string | undefined): TaskId | undefined =>
  worker?.startsWith(CHILD) === true ? parseTaskId(worker.slice(CHILD.length)) : undefined

/** D1. The way back of such a step has a handler like any other. */
export const runsChild = (task: LiveTask, index: number): boolean =>
  task.plan.delegates &&
  elementAt(task.graph.steps, index, 'steps of the graph').type === 'function' &&
  !isTakingBack(task, index)

/** The child that a step runs just now. */
export const childOfStep = (step: StepState | undefined): TaskId | undefined =>
  step?.status === 'in_progress' ? childOfWorker(step.worker) : undefined

/** The steps that run children just now. */
export const stepChildren = (
  task: LiveTask,
): readonly { readonly step: StepId; readonly attempt: number; readonly child: TaskId }[] => {
  if (!task.plan.delegates || task.counts.in_progress === 0) return []
  return task.steps.flatMap((step, index) => {
    const child = childOfStep(step)
    const { name } = elementAt(task.graph.steps, index, 'steps of the graph')
    return child === undefined ? [] : [{ step: name, attempt: step.attempts, child }]
  })
}

/** `renewal`, or `renewal@1.2.0`. */
export const calledFunction = ({ callable }: HandlerSpec): { readonly name: string; readonly version: string | undefined } => {
  const at = callable.indexOf('@')
  return at === -1 ? { name: callable, version: undefined } : { name: callable.slice(0, at), version: callable.slice(at + 1) }
}

export type FunctionInput =
  | { readonly type: 'input'; readonly input: JsonText }
  | { readonly type: 'failed'; readonly message: string }

/** What the child of a step is given: the context, or what `handler.initialization` makes of it and of results. */
export const functionInput = (task: LiveTask, index: number): FunctionInput => {
  const { initialization } = elementAt(task.graph.steps, index, 'steps of the graph').handler
  if (Object.keys(initialization).length === 0) return { type: 'input', input: task.submitted.context }
  try {
    return { type: 'input', input: jsonOf(filled(initialization, expressionRoots(task, index, { deps: 'all' }))) }
  } catch (error) {
    if (error instanceof NoInput) return { type: 'failed', message: error.message }
    throw error
  }
}

class NoInput extends Error {}

/** A text that is one expression becomes its value; in any other its expressions become text. */
const filled = (value: Json, roots: Roots): Json => {
  if (typeof value === 'string') return filledText(value, roots)
  if (Array.isArray(value)) return value.map((item: Json) => filled(item, roots))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, filled(member, roots)]))
}

const filledText = (text: string, roots: Roots): Json => {
  if (!text.includes('${')) return text
  const reading = readKey(text)
  if (reading.type === 'faulty') throw new NoInput(reading.faults.map(({ message }) => message).join('; '))
  const values = reading.key.parts.map((part): Json => {
    if (typeof part === 'string') return part
    const evaluated = evaluateExpression(part, roots)
    if (evaluated.type === 'failed') throw new NoInput(`\${${part.text}}: ${evaluated.message}`)
    return evaluated.value
  })
  const [only] = values
  if (values.length === 1 && only !== undefined) return only
  return values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join('')
}
