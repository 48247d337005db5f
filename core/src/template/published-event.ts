/** One domain event that a step tells the outside about its results, as its template declares it. */
import type { Json } from '../kernel/json.js'

/** Of which results the event speaks: once at the step's end, but for `retryable_failure`, which speaks of each attempt that another follows. */
export type EventCondition = 'success' | 'failure' | 'retryable_failure' | 'permanent_failure' | 'always'

/** `durable` goes to the transport, `fast` to those who listen just now, `broadcast` to both. */
export type EventDelivery = 'durable' | 'fast' | 'broadcast'

export interface PublishedEvent {
  readonly name: string
  readonly description: string | undefined
  readonly condition: EventCondition
  readonly delivery: EventDelivery
  /** JSON Schema of the payload; that of the declaration with the same name in `domain_events` when the step gives none. */
  readonly schema: { readonly [key: string]: Json } | undefined
  /** The publisher of the worker that shapes the payload; the result as it is when undefined. */
  readonly publisher: string | undefined
}

/** How an attempt ended, as conditions ask for it. */
export type EventOutcome = 'success' | 'retryable_failure' | 'permanent_failure'

/** Whether an event with this condition speaks of this end of an attempt. */
export const speaksOf = (condition: EventCondition, outcome: EventOutcome): boolean => {
  if (outcome === 'retryable_failure') return condition === 'retryable_failure'
  if (condition === 'always') return true
  return outcome === 'success' ? condition === 'success' : condition === 'failure' || condition === 'permanent_failure'
}
