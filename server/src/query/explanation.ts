/** A task explained with what the engine sees around it: who serves its queues, and how its steps stand at their keys. */
import { explainTask, type TaskExplanation } from '@tasker/core'
import type { Engine, TaskSnapshot } from '../engine/api.js'

export const explanationOf = (engine: Pick<Engine, 'watch'>, { state, keyLines }: TaskSnapshot): TaskExplanation =>
  explainTask(state, {
    unservedSince: (handler) => engine.watch.queueProblem(state.submitted.namespace, handler)?.since,
    keyLine: (step) => keyLines?.get(step),
  })
