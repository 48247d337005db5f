/** What a task says of a place: whether its attempt needs it, has ended, or never began. */
import type { Instant } from '../kernel/instant.js'
import { attemptsStarted } from '../task/attempts.js'
import { isTerminal, type LiveTask } from '../task/state.js'
import { type KeyName, keyQueue } from './key.js'
import type { PlaceRef } from './state.js'
import { keyGate } from './gate.js'

export type Holding =
  /** The attempt waits for this very key: it has not heard of its place. */
  | { readonly type: 'unaware' }
  /** It has the place and waits for something else, such as a worker. */
  | { readonly type: 'waiting' }
  | { readonly type: 'running'; readonly since: Instant }
  /** Over, or about to be tried under another number; `started` tells whether it ever ran, `by` when it was over at the latest. */
  | { readonly type: 'over'; readonly started: boolean; readonly by: Instant }

export const holdingOf = (task: LiveTask, place: PlaceRef, key: KeyName): Holding => {
  const index = task.graph.indexOf.get(place.step)
  const step = index === undefined ? undefined : task.steps[index]
  if (index === undefined || step === undefined) return { type: 'over', started: false, by: task.updatedAt }
  if (step.attempts === place.attempt && !isTerminal(task.phase)) {
    if (step.status === 'in_progress') return { type: 'running', since: step.since }
    if (step.status === 'enqueued') {
      const gate = keyGate(task, index)
      return { type: gate !== undefined && keyQueue(gate) === keyQueue(key) ? 'unaware' : 'waiting' }
    }
  }
  return { type: 'over', started: attemptsStarted(step) >= place.attempt, by: step.since }
}
