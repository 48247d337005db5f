/** The facts of a key's stream. */
import type { DurationMs } from '../kernel/instant.js'
import type { PlaceRef } from './state.js'

/** An attempt has a place, under the limit that its own template says. */
export interface KeyGranted extends PlaceRef {
  readonly type: 'key.granted'
  readonly limit: number
  readonly perMs?: DurationMs
}

/**
 * Why a place is free again: its attempt ended; the time of a rate is over since its start; it never started; or its task said, when it was
 * asked, that it does not have it.
 */
export type KeyReleaseReason = 'attempt_ended' | 'period_over' | 'never_started' | 'not_held'

export interface KeyReleased extends PlaceRef {
  readonly type: 'key.released'
  readonly reason: KeyReleaseReason
}

export type KeyEvent = KeyGranted | KeyReleased
