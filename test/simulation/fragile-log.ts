/** The log as one process reaches it: appends fail, are slow, or lose their answers; reads fail; the process may die in any call. */
import { durationMs, type Partition } from '@tasker/core'
import { inBackground } from '@tasker/server/internal/background'
import { waitOn } from '@tasker/server/internal/engine/clock'
import type { AppendResult, EventLog, SequencedCommit, StoredCommit } from '@tasker/server/internal/log/port'
import type { Dice } from './dice.js'
import { POISON } from './fault-plan.js'
import { type Life, never } from './life.js'

export const fragileLog = (log: EventLog, life: Life): EventLog => {
  const { world, dice, eventDice, weather, name } = life.parts
  const append = async (rows: readonly SequencedCommit[]): Promise<AppendResult> => {
    const { faults } = weather
    const slow = dice.chance(faults.slowDisk)
    if (slow) weather.note('slow disk', name)
    await waitOn(world, durationMs(slow ? dice.between(200, 3_000) : dice.between(1, 5)))
    if (!life.lives()) return never()
    if (dice.chance(faults.appendUnavailable)) {
      weather.note('append unavailable', name)
      return { type: 'unavailable', message: 'simulated: the database is away' }
    }
    if (rows.some(({ commit }) => commit.text.includes(POISON))) {
      weather.note('append refused', name)
      return { type: 'refused', message: 'simulated: the log cannot keep this' }
    }
    if (dice.chance(faults.appendUnknown)) return unknownAppend(rows)
    const result = await life.act('log.append', () => log.append(rows))
    await waitOn(world, durationMs(dice.between(0, 3)))
    return life.lives() ? result : never()
  }
  const unknownAppend = async (rows: readonly SequencedCommit[]): Promise<AppendResult> => {
    const written = dice.pick(['never', 'before', 'later'] as const)
    weather.note(`append unknown, written ${written}`, name)
    if (written === 'before') await log.append(rows)
    if (written === 'later') world.after(durationMs(dice.between(1, 200)), () => inBackground(log.append(rows)))
    return { type: 'unknown', message: 'simulated: the answer was lost' }
  }
  async function* pages(
    call: string,
    found: AsyncIterable<readonly StoredCommit[]>,
    by: Dice = dice,
  ): AsyncGenerator<readonly StoredCommit[]> {
    await reached(by)
    yield* read(call, found)
  }
  const reached = async (by: Dice): Promise<void> => {
    await waitOn(world, durationMs(by.between(0, 3)))
    if (!life.lives()) return never()
    if (!by.chance(weather.faults.readFails)) return
    weather.note('read fails', name)
    throw new Error('simulated: the read failed')
  }
  async function* read(call: string, found: AsyncIterable<readonly StoredCommit[]>): AsyncGenerator<readonly StoredCommit[]> {
    await life.act(call, async () => undefined)
    yield* found
  }
  return {
    // What is not named below is reached as it is.
    ...log,
    append,
    readStream: (...asked) => pages('log.readStream', log.readStream(...asked)),
    readStarts: async (...asked) => {
      await reached(dice)
      return life.act('log.readStarts', () => log.readStarts(...asked))
    },
    readKind: (...asked) => read('log.readKind', log.readKind(...asked)),
    readPartition: (partition, after) => pages('log.readPartition', log.readPartition(partition, after)),
    readDomainEvents: (partition, after) => pages('log.readDomainEvents', log.readDomainEvents(partition, after), eventDice),
    head: (partition: Partition) => life.act('log.head', () => log.head(partition)),
    acquire: async (partition, node, at) => {
      await waitOn(world, durationMs(1))
      return life.lives() ? life.act('log.acquire', () => log.acquire(partition, node, at)) : never()
    },
    close: () => Promise.resolve(),
  }
}
