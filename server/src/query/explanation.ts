/** A task explained with what the engine sees around it: who serves its queues, and how its steps stand at their keys. */
import { explainTask, type KeyStanding, type TaskExplanation } from '@tasker/core'
import type { Engine, KeyLine, TaskSnapshot } from '../engine/api.js'

export const explanationOf = (engine: Pick<Engine, 'watch'>, { state, keyLines }: TaskSnapshot): TaskExplanation =>
  explainTask(state, {
    unservedSince: (handler) => engine.watch.queueProblem(state.submitted.namespace, handler)?.since,
    serving: (handler) => engine.watch.serving(state.submitted.namespace, handler),
    keyLine: (step) => standing(keyLines?.get(step)),
  })

const standing = (line: KeyLine | undefined): KeyStanding | undefined => {
  if (line === undefined) return undefined
  const free = line.holders.flatMap(({ freeAt }) => (freeAt === undefined ? [] : [freeAt]))
  return { ...line, freeAt: free.toSorted((a, b) => a - b)[0] }
}
