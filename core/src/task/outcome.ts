/** The result of a task: the outputs of the steps nobody waits for. */
import { elementAt } from '../kernel/invariant.js'
import { trustedJson, type JsonText } from '../kernel/json.js'
import type { LiveTask } from './state.js'

/**
 * One JSON object: each leaf step's output under the step's name, byte for byte as its worker sent it, in plan order.
 * A leaf that is not complete has no member.
 */
export const taskResult = (task: LiveTask): JsonText => {
  let text = ''
  for (const leaf of task.plan.leaves) {
    const step = elementAt(task.steps, leaf, 'steps')
    if (step.status !== 'complete') continue
    const name = JSON.stringify(elementAt(task.plan.steps, leaf, 'plan steps').name)
    text += `${text === '' ? '' : ','}${name}:${step.output}`
  }
  return trustedJson(`{${text}}`)
}
