/** Keys and priorities of a definition: who goes first, and how much may run at once or start in a time. */
import { type Duration, durationMs } from '../duration.js'

/** So many attempts with a key at once, across all tasks of the namespace that say the same text. */
export interface Concurrency {
  /** A text in which each `${…}` is an expression, such as `tenant-${context.tenant}`. In TypeScript, write it in plain quotes. */
  readonly key: string
  readonly limit: number
}

/** So many starts with a key within any stretch of `per`. */
export interface RateLimit extends Concurrency {
  readonly per: Duration
}

/** What orders and limits steps. */
export interface OrderOptions {
  /** −100 to 100; higher goes first, and waiting counts too. A step's own is added to its task's. */
  readonly priority?: number
  readonly concurrency?: Concurrency
  readonly rateLimit?: RateLimit
}

export interface OrderDocument {
  readonly priority?: number
  readonly concurrency?: { readonly key: string; readonly limit: number }
  readonly rate_limit?: { readonly key: string; readonly limit: number; readonly per: number }
}

export const orderFields = ({ priority, concurrency, rateLimit }: OrderOptions): OrderDocument => ({
  ...(priority === undefined ? {} : { priority }),
  ...(concurrency === undefined ? {} : { concurrency: { key: concurrency.key, limit: concurrency.limit } }),
  ...(rateLimit === undefined
    ? {}
    : { rate_limit: { key: rateLimit.key, limit: rateLimit.limit, per: durationMs(rateLimit.per) / 1_000 } }),
})
