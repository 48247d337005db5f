/** A moment of a task's past: after one of its events, or at an instant. */
import type { Instant } from '../kernel/instant.js'

export type Moment =
  /** After the event with this version, which may stand inside a commit. */
  | { readonly type: 'version'; readonly version: number }
  /** After the last event with `at` not after this. */
  | { readonly type: 'time'; readonly at: Instant }

/** Whether an event had happened at that moment. */
export const hadHappened = (moment: Moment, { version, at }: { readonly version: number; readonly at: Instant }): boolean =>
  moment.type === 'version' ? version <= moment.version : at <= moment.at
