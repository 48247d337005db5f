/** What a suite of the log needs of an adapter. */
import type { EventLog } from '@tasker/server/internal/log/port'

/** One empty log of four partitions, with pages of three commits, and the means to disturb it. */
export interface LogHarness {
  readonly log: EventLog
  /** Another node's way to the same log. */
  other(): Promise<EventLog>
  /** The answer of the next append through `log` is lost; its rows are written, or not. */
  loseNextAnswer(written: 'never' | 'before'): void
  close(): Promise<void>
}

export const PARTITIONS = 4
export const PAGE_COMMITS = 3
