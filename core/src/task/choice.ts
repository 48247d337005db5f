/** What a decision or an analyzer says beside its result: protocol fields, never read out of the payload. */
import type { JsonText } from '../kernel/json.js'

/** One range of a batch; cursors mean something to the handlers alone. `start` is included, `end` is not. */
export interface BatchRange {
  readonly id: string
  readonly start: JsonText
  readonly end: JsonText
  /** Items in the range as far as the analyzer knew; 0 when it did not. */
  readonly size: number
}

export type StepChoice =
  | { readonly type: 'create_steps'; readonly names: readonly string[] }
  | { readonly type: 'no_branches'; readonly reason?: string }
  /** An empty id asks for one made from its place. */
  | { readonly type: 'create_batches'; readonly ranges: readonly BatchRange[]; readonly totalItems?: number }
  | { readonly type: 'no_batches'; readonly reason?: string }
