/** The projected rows as one process reaches them: writes lag and fail, and the writer may die with its rows written or not. */
import { durationMs } from '@tasker/core'
import { waitOn } from '@tasker/server/internal/engine/clock'
import type { ProjectionStore } from '@tasker/server/internal/projections/port'
import type { Dice } from './dice.js'
import { type Life, never } from './life.js'

/** `crashDice` say when the writer dies. */
export const fragileStore = (store: ProjectionStore, life: Life, crashDice: Dice): ProjectionStore => {
  const { world, dice, weather, name } = life.parts
  const guarded = async <T>(call: string, read: () => Promise<T>): Promise<T> => {
    await waitOn(world, durationMs(dice.between(0, 3)))
    return life.lives() ? life.act(`store.${call}`, read) : never()
  }
  return {
    // What is not named below is reached as it is.
    ...store,
    checkpoints: () => guarded('checkpoints', () => store.checkpoints()),
    write: async (batch) => {
      const { faults } = weather
      await waitOn(world, durationMs(dice.between(0, faults.projectionLagMsMax)))
      if (!life.lives()) return never()
      if (dice.chance(faults.storeWriteFails)) {
        weather.note('projection write fails', name)
        // A writer that does not know whether its rows landed: half of the time they did.
        if (dice.chance(0.5)) await store.write(batch)
        throw new Error('simulated: the projection write failed')
      }
      if (faults.projectionWriterCrash > 0 && crashDice.chance(faults.projectionWriterCrash)) {
        const landed = crashDice.chance(0.5)
        if (landed) await store.write(batch)
        weather.note('projection writer crash', name)
        return life.crash('store.write', landed ? 'after' : 'before')
      }
      return life.act('store.write', () => store.write(batch))
    },
    readyQueues: () => guarded('readyQueues', () => store.readyQueues()),
    ready: (...asked) => guarded('ready', () => store.ready(...asked)),
    longestWaiting: (...asked) => guarded('longestWaiting', () => store.longestWaiting(...asked)),
    timers: (...asked) => guarded('timers', () => store.timers(...asked)),
    inFlight: () => guarded('inFlight', () => store.inFlight()),
    identity: (scope) => guarded('identity', () => store.identity(scope)),
    key: (...asked) => guarded('key', () => store.key(...asked)),
    snapshot: (taskId) => guarded('snapshot', () => store.snapshot(taskId)),
    heldKeys: () => guarded('heldKeys', () => store.heldKeys()),
    close: () => Promise.resolve(),
  }
}
