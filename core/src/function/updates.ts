/** Requests to a durable function and their answers, as its journal keeps them. */
import { invariant } from '../kernel/invariant.js'
import { LIMITS } from '../limits.js'
import type { UpdateAnswered, UpdateOutcome, UpdateReceived } from './events.js'

export interface KeptUpdate {
  readonly name: string
  /** Undefined while it is open. */
  readonly outcome: UpdateOutcome | undefined
}

type Updates = ReadonlyMap<string, KeptUpdate>

/** U3. Of the answered the oldest are forgotten, of the open none. */
export const updateReceived = (updates: Updates, { id, name }: UpdateReceived): Updates => {
  invariant(!updates.has(id), `the update ${id} was received before`)
  const next = new Map(updates).set(id, { name, outcome: undefined })
  for (const [old, { outcome }] of next) {
    if (next.size <= LIMITS.updatesRememberedMax) break
    if (outcome !== undefined) next.delete(old)
  }
  return next
}

export const updateAnswered = (updates: Updates, { id, outcome }: UpdateAnswered): Updates => {
  const update = updates.get(id)
  invariant(update !== undefined && update.outcome === undefined, `the update ${id} is open`)
  return new Map(updates).set(id, { ...update, outcome })
}
