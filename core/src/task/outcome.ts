/** The result of a task: the outputs of the steps nobody waits for. */
import { elementAt } from '../kernel/invariant.js'
import { JSON_NULL, trustedJson, type JsonText } from '../kernel/json.js'
import type { LiveTask } from './state.js'
import { doesExist } from './step-groups.js'

/**
 * One JSON object: each leaf step's output under the step's name, byte for byte as its worker sent it, in plan order.
 * A leaf that a person closed is null; any other that is not complete has no member. Of a durable function it is what the function returned.
 */
export const taskResult = (task: LiveTask): JsonText => {
  if (task.journal !== undefined) return functionResult(task)
  let text = ''
  for (const leaf of task.plan.plain ? task.plan.leaves : leavesOf(task)) {
    const step = elementAt(task.steps, leaf, 'steps')
    if (step.status !== 'complete' && step.status !== 'resolved_manually') continue
    const name = JSON.stringify(elementAt(task.graph.steps, leaf, 'steps of the graph').name)
    text += `${text === '' ? '' : ','}${name}:${step.status === 'complete' ? step.output : JSON_NULL}`
  }
  return trustedJson(`{${text}}`)
}

const functionResult = ({ steps }: LiveTask): JsonText => {
  const run = elementAt(steps, 0, 'steps')
  return run.status === 'complete' ? run.output : JSON_NULL
}

/** Whoever waited for a step and was not taken does not wait for it: of a decision that chose nothing the output is the result. */
const leavesOf = ({ graph, steps }: LiveTask): readonly number[] =>
  graph.dependents.flatMap((list, index) =>
    list.some((dependent) => doesExist(elementAt(steps, dependent, 'steps').status)) ? [] : [index],
  )
