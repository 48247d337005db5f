/** What comes with a result for the domain events of its step: payloads of their own, or why there is none. */
import type { JsonText } from '../kernel/json.js'

/** One place of a payload that does not fit, or the word of a publisher that failed. */
export interface EventProblem {
  readonly code: string
  /** JSON Pointer into the payload. */
  readonly path: string
  readonly message: string
}

/** What came with a result for one declaration of its step. */
export interface EventNote {
  readonly payload?: JsonText
  readonly metadata?: JsonText
  /** The publisher decided that there is nothing to tell. */
  readonly withheld?: true
  readonly problems?: readonly EventProblem[]
}

/** In the order of the step's declarations; undefined where nothing is to be said. */
export type EventNotes = readonly (EventNote | undefined)[]
