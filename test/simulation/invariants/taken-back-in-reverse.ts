/** I17: a step is taken back at most once, and only after everything that built on it and completed was. */
import type { LiveTask } from '@tasker/core'
import { eachEvent, type InvariantOf, isDone } from './invariant.js'

interface Kept {
  readonly complete: Set<string>
  readonly undone: Set<string>
}

export const takenBackInReverse: InvariantOf = (violated) =>
  eachEvent<Kept>(
    () => ({ complete: new Set(), undone: new Set() }),
    ({ event, after, taskId, takingBack }, { complete, undone }) => {
      if (!takingBack) {
        if (isDone(event)) complete.add(event.step)
        return
      }
      if (event.type === 'step.started') {
        const early = builtOn(after, event.step).filter(
          (name) => complete.has(name) && hasWayBack(after, name) && !undone.has(name),
        )
        if (early.length > 0) violated(`I17 ${event.step} of ${taskId} is taken back before ${early.join(', ')}`, taskId)
      }
      if (!isDone(event) && event.type !== 'step.resolved_manually') return
      if (undone.has(event.step)) violated(`I17 ${event.step} of ${taskId} was taken back twice`, taskId)
      undone.add(event.step)
    },
  )

const hasWayBack = ({ graph }: LiveTask, name: string): boolean =>
  graph.steps.some((step) => step.name === name && step.compensate !== undefined)

/** The names of all steps that depend on a step, directly or not. */
const builtOn = ({ graph }: LiveTask, name: string): readonly string[] => {
  const names = new Set([name])
  let before = 0
  while (before < names.size) {
    before = names.size
    for (const step of graph.steps) if (step.dependencies.some((dependency) => names.has(dependency))) names.add(step.name)
  }
  names.delete(name)
  return [...names]
}
