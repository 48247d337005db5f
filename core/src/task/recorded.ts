/** An event as readers see it: the fact with its envelope. */
import type { Instant } from '../kernel/instant.js'
import type { Version } from '../kernel/ids.js'
import type { TaskEvent } from './events.js'

/** Who or what made a commit happen. */
export interface Cause {
  /** A person or program by name, `worker:<id>`, or `engine`. */
  readonly actor: string
  /** The command's type, or what fired it. */
  readonly command: string
  /** The request this commit answers, where there is one. */
  readonly requestId?: string
}

export interface RecordedTaskEvent {
  readonly version: Version
  readonly at: Instant
  readonly event: TaskEvent
  readonly cause: Cause
}
