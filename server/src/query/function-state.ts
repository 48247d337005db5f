/** What a durable function shows to whoever asks. */
import type { JsonText } from '@tasker/core'
import type { TaskSnapshot } from '../engine/api.js'
import { Fault } from '../faults.js'

/** The values by key; throws `NO_FUNCTION`. */
export const shownState = ({ state }: TaskSnapshot): ReadonlyMap<string, JsonText> => {
  if (state.journal !== undefined) return state.journal.state
  const message = `The task ${state.submitted.name} runs no durable function.`
  throw new Fault({ code: 'INVALID_STATE', reason: 'NO_FUNCTION', message })
}
