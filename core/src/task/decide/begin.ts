/**
 * Begin: a step whose wait is over is scheduled, or skipped because its condition is false, or failed because its condition has no value.
 *
 * N1  A condition is asked once, when the step would become ready, and is answered in the commit that made it so.
 * N2  A join that has enough lets go of its other dependencies where it says so: those that nobody else waits for are cancelled, running
 *     ones too, and with them what only they waited for.
 */
import { elementAt, unreachable } from '../../kernel/invariant.js'
import { conditionHolds } from '../expression-roots.js'
import { conditionFailure } from '../failure.js'
import { isUnended } from '../step-groups.js'
import type { Draft } from './draft.js'

/** `index` is of a pending step that is ready. Gives the indexes of the steps that ended by it. */
export const begin = (draft: Draft, index: number): readonly number[] => {
  const spec = elementAt(draft.task.graph.steps, index, 'steps of the graph')
  const scheduled = beginStep(draft, index)
  if (spec.cancelRemaining) letGo(draft, index)
  return scheduled ? [] : [index]
}

/** Whether the step is to run. */
const beginStep = (draft: Draft, index: number): boolean => {
  const { name, when } = elementAt(draft.task.graph.steps, index, 'steps of the graph')
  const { attempts } = elementAt(draft.task.steps, index, 'steps')
  const answer = when === undefined ? RUNS : conditionHolds(draft.task, index, when)
  switch (answer.type) {
    case 'value':
      if (answer.value) draft.add({ type: 'step.scheduled', step: name, attempt: attempts + 1 })
      else draft.add({ type: 'step.skipped', step: name, condition: when?.text ?? '' })
      return answer.value
    case 'failed':
      draft.add({
        type: 'step.failed',
        step: name,
        attempt: attempts,
        failure: conditionFailure(answer.message),
        permanent: true,
      })
      return false
    default:
      return unreachable(answer)
  }
}

const RUNS = { type: 'value', value: true } as const

/** N2. Works upwards: who loses the last that waited for it is not needed either. */
const letGo = (draft: Draft, join: number): void => {
  const { graph } = draft.task
  const queue = [...elementAt(graph.dependencies, join, 'dependencies')]
  for (const index of queue) {
    const { status } = elementAt(draft.task.steps, index, 'steps')
    if (!isUnended(status) || status === 'uncreated' || isWaitedFor(draft, index)) continue
    draft.add({ type: 'step.cancelled', step: elementAt(graph.steps, index, 'steps of the graph').name })
    queue.push(...elementAt(graph.dependencies, index, 'dependencies'))
  }
}

const isWaitedFor = (draft: Draft, index: number): boolean =>
  elementAt(draft.task.graph.dependents, index, 'dependents').some((dependent) => {
    const { status } = elementAt(draft.task.steps, dependent, 'steps')
    return status === 'pending' || status === 'uncreated'
  })
