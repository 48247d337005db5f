/** The list that a journal is, from its end. */
import type { Instant } from '../kernel/instant.js'
import type { JournalFact } from './events.js'

/** A fact with the instant of its commit, and what came before it. */
export interface JournalLink {
  readonly fact: JournalFact
  readonly at: Instant
  readonly before: JournalLink | undefined
}
