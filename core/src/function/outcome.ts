/** How something ended that a durable function waits for. */
import type { JsonText } from '../kernel/json.js'
import type { Failure } from '../task/failure.js'

export type EffectOutcome =
  | { readonly type: 'succeeded'; readonly result: JsonText }
  | { readonly type: 'failed'; readonly failure: Failure }
  | { readonly type: 'cancelled' }
