/** What all orders of operators have in common: when a task takes them, and what they leave in the event. */
import type { ByOperator } from '../commands.js'
import { refuse, type TaskRefusal } from '../refusals.js'
import type { LiveTask } from '../state.js'

type Refused = { readonly type: 'refused'; readonly refusal: TaskRefusal }

/** A task on its way to its end takes no order; terminal ones are refused before. */
export const closedToOperators = ({ phase }: LiveTask): Refused | undefined =>
  phase === 'cancelling' ? refuse('CANCEL_ALREADY_REQUESTED', 'The task is being cancelled.') : undefined

/** What was not said is absent from the event, not undefined in it. */
export const said = ({ reason, by }: ByOperator): { readonly reason?: string; readonly by?: string } => ({
  ...(reason === undefined ? {} : { reason }),
  ...(by === undefined ? {} : { by }),
})
