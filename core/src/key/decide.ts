/**
 * Who gets a place of a key, and when it is free again.
 *
 * K1  A place is given only while fewer are taken than the limit that the asking step names: never more holders than the limit.
 * K2  An attempt has one place of a key at most: a repeat of a request changes nothing.
 * K3  Only who has a place gives it back, once.
 * K4  Where templates name different limits for one key, each step keeps to its own. A lower limit takes no place away.
 */
import { accept, type Decider, type Decision } from '../kernel/decider.js'
import type { Instant } from '../kernel/instant.js'
import { invariant, unreachable } from '../kernel/invariant.js'
import type { KeyEvent, KeyReleaseReason } from './events.js'
import type { KeyLimit } from './key.js'
import { type KeyState, placeId, type PlaceRef } from './state.js'

export interface GrantPlace extends KeyLimit {
  readonly type: 'grant'
  readonly at: Instant
  readonly attempt: PlaceRef
}

export interface GiveBackPlace {
  readonly type: 'give_back'
  readonly at: Instant
  readonly attempt: PlaceRef
  readonly reason: KeyReleaseReason
}

export type KeyCommand = GrantPlace | GiveBackPlace

/** All places are taken. */
export interface KeyFull {
  readonly type: 'full'
  readonly limit: number
}

const decide = (state: KeyState, command: KeyCommand): Decision<KeyEvent, KeyFull> => {
  const { taskId, step, attempt } = command.attempt
  const held = state.places.has(placeId(command.attempt))
  switch (command.type) {
    case 'grant': {
      if (held) return accept()
      const { limit, perMs } = command
      if (state.places.size >= limit) return { type: 'refused', refusal: { type: 'full', limit } }
      const event = { type: 'key.granted', taskId, step, attempt, limit } as const
      return accept<KeyEvent>(perMs === undefined ? event : { ...event, perMs })
    }
    case 'give_back':
      return held ? accept<KeyEvent>({ type: 'key.released', taskId, step, attempt, reason: command.reason }) : accept()
    default:
      return unreachable(command)
  }
}

const evolve = (state: KeyState, event: KeyEvent, at: Instant): KeyState => {
  const places = new Map(state.places)
  const { taskId, step, attempt } = event
  const id = placeId(event)
  switch (event.type) {
    case 'key.granted':
      invariant(!places.has(id), `the place of ${id} is given twice`)
      invariant(places.size < event.limit, `a key of ${event.limit} places has ${places.size} holders and gives another`)
      places.set(id, { taskId, step, attempt, grantedAt: at, perMs: event.perMs })
      return { limit: event.limit, perMs: event.perMs, places }
    case 'key.released':
      invariant(places.delete(id), `the place of ${id} is given back by who does not have it`)
      return { limit: state.limit, perMs: state.perMs, places }
    default:
      return unreachable(event)
  }
}

/** `at` is the commit's instant. */
export const keyStream = { decide, evolve } satisfies {
  readonly decide: Decider<KeyState, KeyCommand, KeyEvent, KeyFull>['decide']
  readonly evolve: (state: KeyState, event: KeyEvent, at: Instant) => KeyState
}
