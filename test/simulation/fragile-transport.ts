/** The transport of domain events as one process reaches it: away, or with lost answers. */
import { durationMs } from '@tasker/core'
import { waitOn } from '@tasker/server/internal/engine/clock'
import type { EventTransport } from '@tasker/server/internal/publishers/transport'
import { type Life, never } from './life.js'

export const fragileTransport = (transport: EventTransport, life: Life): EventTransport => {
  const { world, eventDice: dice, weather, name } = life.parts
  const reached = async (): Promise<void> => {
    await waitOn(world, durationMs(dice.between(0, 50)))
    if (!life.lives()) return never()
    if (!dice.chance(weather.faults.transportAway)) return
    weather.note('transport away', name)
    throw new Error('simulated: the transport is away')
  }
  return {
    name: transport.name,
    checkpoints: async () => {
      await reached()
      return life.act('transport.checkpoints', () => transport.checkpoints())
    },
    publish: async (batch) => {
      await reached()
      if (dice.chance(weather.faults.transportAnswerLost)) {
        weather.note('answer of the transport lost', name)
        if (dice.chance(0.5)) await transport.publish(batch)
        throw new Error('simulated: the answer was lost')
      }
      const answer = await life.act('transport.publish', () => transport.publish(batch))
      await waitOn(world, durationMs(dice.between(0, 20)))
      return life.lives() ? answer : never()
    },
    close: () => Promise.resolve(),
  }
}
