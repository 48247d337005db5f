/** Consistency tokens: which places of the log a reader wants to see projected, and the wait until they are. */
import { setTimeout as pause } from 'node:timers/promises'
import { LIMITS } from '@tasker/core'
import type { ConsistencyToken } from '../engine/api.js'
import { Fault } from '../faults.js'
import { LISTING_LIMITS } from './query.js'

/** The highest seq wanted of each partition. */
export type WantedPlaces = ReadonlyMap<number, number>

const TOKEN = /^(\d{1,4}):(\d{1,15})$/
const LOOK_AGAIN_MS = 15

/** Throws `INVALID_CONSISTENCY_TOKEN` for a text that is none. */
export const wantedPlaces = (tokens: readonly ConsistencyToken[]): WantedPlaces => {
  if (tokens.length > LISTING_LIMITS.consistencyTokensMax)
    throw invalidToken(`At most ${LISTING_LIMITS.consistencyTokensMax} tokens fit in one query.`)
  const places = new Map<number, number>()
  for (const token of tokens) {
    const match = TOKEN.exec(token)
    if (match === null) throw invalidToken(`"${token.slice(0, LIMITS.nameCharsMax)}" is no consistency token.`)
    const partition = Number(match[1])
    places.set(partition, Math.max(places.get(partition) ?? 0, Number(match[2])))
  }
  return places
}

/** Resolves when all places are projected; throws `CONSISTENCY_TIMEOUT` when that takes too long. */
export const waitForPlaces = async (
  places: WantedPlaces,
  checkpoints: (partitions: readonly number[]) => Promise<ReadonlyMap<number, number>>,
  waitMsMax: number = LIMITS.consistencyWaitMsMax,
): Promise<void> => {
  if (places.size === 0) return
  const until = performance.now() + waitMsMax
  let missing = await behind(places, checkpoints)
  while (missing.length > 0 && performance.now() < until) {
    await pause(LOOK_AGAIN_MS)
    missing = await behind(places, checkpoints)
  }
  if (missing.length > 0) throw timeout(missing, waitMsMax)
}

const behind = async (
  places: WantedPlaces,
  checkpoints: (partitions: readonly number[]) => Promise<ReadonlyMap<number, number>>,
): Promise<readonly string[]> => {
  const reached = await checkpoints([...places.keys()])
  return [...places]
    .filter(([partition, seq]) => (reached.get(partition) ?? 0) < seq)
    .map(([partition, seq]) => `${partition}:${seq}`)
}

const invalidToken = (message: string): Fault =>
  new Fault({
    code: 'INVALID_INPUT',
    reason: 'INVALID_CONSISTENCY_TOKEN',
    message,
    hint: 'Send the header Tasker-Consistency-Token of an earlier answer, unchanged.',
    errors: [{ code: 'INVALID_CONSISTENCY_TOKEN', message, path: '/consistency_token' }],
  })

const timeout = (missing: readonly string[], waitMsMax: number): Fault =>
  new Fault({
    code: 'UNAVAILABLE',
    reason: 'CONSISTENCY_TIMEOUT',
    message: `The list does not show ${missing.join(', ')} after ${waitMsMax} ms yet.`,
    retryable: true,
    retryAfterMs: 1_000,
    hint: 'Repeat the query, or leave the token out and accept rows that are a moment old.',
  })
