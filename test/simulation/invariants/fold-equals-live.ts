/** I1: folding the log gives the state that the running engine answers with, at every version that it shows. */
import { isDeepStrictEqual } from 'node:util'
import type { LiveTask, TaskId } from '@tasker/core'
import type { InvariantOf } from './invariant.js'

export const foldEqualsLive: InvariantOf = (violated, witness) => {
  /** States never change, so one that was compared is not compared again. */
  const compared = new WeakSet<object>()
  const compare = (taskId: TaskId, version: number, state: LiveTask): void => {
    if (compared.has(state)) return
    compared.add(state)
    const seen = witness.tasks.get(taskId)?.states.findLast((one) => one.version <= version)
    if (seen?.version !== version)
      return violated(`I1 ${taskId} is shown at version ${version}, where the log has no commit end`, taskId)
    if (!isSameTask(seen.state, state))
      violated(`I1 the fold of ${taskId} at version ${version} is not what the engine says`, taskId)
  }
  return {
    sent: (sent) => (sent.type === 'read' ? compare(sent.taskId, sent.version, sent.state) : undefined),
    rest: async ({ engine }) => {
      for (const { taskId, events } of witness.tasks.values()) {
        const live = await engine.read(taskId)
        const version = events[events.length - 1]?.version
        if (live === undefined || live.version !== version)
          violated(`I1 at rest the engine shows ${taskId} at version ${live?.version}; the log is at ${version}`, taskId)
        else compare(taskId, live.version, live.state)
      }
    },
  }
}

const isSameTask = ({ plan, graph, ...rest }: LiveTask, live: LiveTask): boolean => {
  const { plan: livePlan, graph: liveGraph, ...liveRest } = live
  return isSameOf(plan, livePlan) && isSameOf(graph, liveGraph) && isDeepStrictEqual(rest, liveRest)
}

/** Plans and graphs are large and shared by many states: a pair that was found equal is not compared again. */
const equals = new WeakMap<object, WeakSet<object>>()

const isSameOf = (a: object, b: object): boolean => {
  if (a === b) return true
  const known = equals.get(a) ?? new WeakSet()
  if (known.has(b)) return true
  if (!isDeepStrictEqual(a, b)) return false
  equals.set(a, known.add(b))
  return true
}
