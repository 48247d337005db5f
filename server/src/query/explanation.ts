/** A task explained with what the engine sees around it: who serves its queues, and how its steps stand at their keys. */
import {
  explainTask,
  type HandlerName,
  type Namespace,
  type Offering,
  type Surroundings,
  type TaskExplanation,
} from '@tasker/core'
import type { Engine, TaskSnapshot } from '../engine/api.js'

type Seen = Pick<Engine, 'watch' | 'workers'>

/** As of a moment of the past, what was around the task is not in its log. */
export const explanationOf = (engine: Seen, snapshot: TaskSnapshot): TaskExplanation =>
  explainTask(snapshot.taskId, snapshot.state, snapshot.asOf === undefined ? around(engine, snapshot) : undefined)

const around = (engine: Seen, { state, keyLines }: TaskSnapshot): Surroundings => {
  const { namespace } = state.submitted
  let offerings: ReadonlyMap<HandlerName, Offering> | undefined
  return {
    unservedSince: (handler) => engine.watch.queueProblem(namespace, handler)?.since,
    offering: (handler) => {
      offerings ??= offeringsIn(engine, namespace)
      return offerings.get(handler) ?? NOBODY
    },
    keyLine: (step) => {
      const line = keyLines?.get(step)
      return line && { ...line, holders: line.holders.map(({ grantedAt, ...place }) => ({ ...place, since: grantedAt })) }
    },
  }
}

const NOBODY: Offering = { workers: 0, slots: 0, busy: 0 }

const offeringsIn = (engine: Seen, namespace: Namespace): ReadonlyMap<HandlerName, Offering> => {
  const offerings = new Map<HandlerName, Offering>()
  for (const worker of engine.workers()) {
    if (worker.namespace !== namespace || worker.state !== 'connected') continue
    for (const handler of worker.handlers) {
      const { workers, slots, busy } = offerings.get(handler) ?? NOBODY
      offerings.set(handler, { workers: workers + 1, slots: slots + worker.slots, busy: busy + worker.busy })
    }
  }
  return offerings
}
