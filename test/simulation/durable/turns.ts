/** Time passes in a world with durable functions: what they do at a moment is done before the next. */
import { functionsAreBusy } from '@tasker/sdk/internal/runner/live-function'
import { settled, type VirtualClock } from '../../support/virtual-clock.js'

export const advanceByTurns = async (clock: VirtualClock, byMs: number): Promise<void> => {
  await step(clock, 0)
  let leftMs = byMs
  for (let next = clock.nextInMs(); next !== undefined && next <= leftMs; next = clock.nextInMs()) {
    leftMs -= Math.max(0, next)
    await step(clock, Math.max(0, next))
  }
  await step(clock, leftMs)
}

const step = async (clock: VirtualClock, byMs: number): Promise<void> => {
  await clock.advance(byMs)
  while (functionsAreBusy()) {
    while (functionsAreBusy()) await settled()
    // What they hand in together leaves a turn later.
    await settled()
    await clock.advance(0)
  }
}
