/** One life of a server process in the simulation: its clock, its way to the log and to the store. When it dies, nothing of it is heard again. */
import { durationMs, type Partition } from '@tasker/core'
import type { Clock } from '@tasker/server/internal/engine/clock'
import { waitOn } from '@tasker/server/internal/engine/clock'
import { inBackground } from '@tasker/server/internal/background'
import type { AppendResult, EventLog, SequencedCommit, StoredCommit } from '@tasker/server/internal/log/port'
import type { ProjectionStore } from '@tasker/server/internal/projections/port'
import type { EventTransport } from '@tasker/server/internal/publishers/transport'
import type { Dice } from './dice.js'
import { type FaultPlan, POISON } from './fault-plan.js'

export interface Weather {
  faults: FaultPlan
  /** Counts what happened, by kind. */
  readonly seen: Map<string, number>
}

/** What outlives every process. */
export interface WorldParts {
  readonly log: EventLog
  readonly store: ProjectionStore
  readonly transport: EventTransport
}

export class Incarnation {
  readonly clock: Clock
  readonly log: EventLog
  readonly store: ProjectionStore
  readonly transport: EventTransport
  #alive = true

  constructor(world: Clock, parts: WorldParts, dice: Dice, eventDice: Dice, weather: Weather) {
    const { log, store, transport } = parts
    const alive = (): boolean => this.#alive
    this.clock = {
      now: () => world.now(),
      monotonicMs: () => world.monotonicMs(),
      after: (delayMs, call) => world.after(delayMs, () => (alive() ? call() : undefined)),
    }
    this.log = fragileLog(log, world, dice, eventDice, weather, alive)
    this.store = fragileStore(store, world, dice, weather, alive)
    this.transport = fragileTransport(transport, world, eventDice, weather, alive)
  }

  get alive(): boolean {
    return this.#alive
  }

  die(): void {
    this.#alive = false
  }
}

/** What a dead process waits for. */
const never = <T>(): Promise<T> => new Promise(() => undefined)

const note = ({ seen }: Weather, what: string): void => {
  seen.set(what, (seen.get(what) ?? 0) + 1)
}

const fragileLog = (
  log: EventLog,
  world: Clock,
  dice: Dice,
  eventDice: Dice,
  weather: Weather,
  alive: () => boolean,
): EventLog => {
  const append = async (rows: readonly SequencedCommit[]): Promise<AppendResult> => {
    const { faults } = weather
    const slow = dice.chance(faults.slowDisk)
    if (slow) note(weather, 'slow disk')
    await waitOn(world, durationMs(slow ? dice.between(200, 3_000) : dice.between(1, 5)))
    if (!alive()) return never()
    if (dice.chance(faults.appendUnavailable)) {
      note(weather, 'append unavailable')
      return { type: 'unavailable', message: 'simulated: the database is away' }
    }
    if (rows.some(({ commit }) => commit.text.includes(POISON))) {
      note(weather, 'append refused')
      return { type: 'refused', message: 'simulated: the log cannot keep this' }
    }
    if (dice.chance(faults.appendUnknown)) return unknownAppend(rows)
    const result = await log.append(rows)
    await waitOn(world, durationMs(dice.between(0, 3)))
    return alive() ? result : never()
  }
  const unknownAppend = async (rows: readonly SequencedCommit[]): Promise<AppendResult> => {
    const written = dice.pick(['never', 'before', 'later'] as const)
    note(weather, `append unknown, written ${written}`)
    if (written === 'before') await log.append(rows)
    if (written === 'later') world.after(durationMs(dice.between(1, 200)), () => inBackground(log.append(rows)))
    return { type: 'unknown', message: 'simulated: the answer was lost' }
  }
  async function* fragilePages(
    pages: AsyncIterable<readonly StoredCommit[]>,
    by: Dice = dice,
  ): AsyncGenerator<readonly StoredCommit[]> {
    await read(by)
    yield* pages
  }
  const read = async (by: Dice): Promise<void> => {
    await waitOn(world, durationMs(by.between(0, 3)))
    if (!alive()) return never()
    if (!by.chance(weather.faults.readFails)) return
    note(weather, 'read fails')
    throw new Error('simulated: the read failed')
  }
  return {
    partitionCount: log.partitionCount,
    audit: log.audit,
    append,
    readStream: (stream, from) => fragilePages(log.readStream(stream, from)),
    readKind: (kind) => log.readKind(kind),
    readPartition: (partition, after) => fragilePages(log.readPartition(partition, after)),
    readDomainEvents: (partition, after) => fragilePages(log.readDomainEvents(partition, after), eventDice),
    head: (partition: Partition) => log.head(partition),
    acquire: async (partition, node, at) => {
      await waitOn(world, durationMs(1))
      return alive() ? log.acquire(partition, node, at) : never()
    },
    close: () => Promise.resolve(),
  }
}

const fragileStore = (
  store: ProjectionStore,
  world: Clock,
  dice: Dice,
  weather: Weather,
  alive: () => boolean,
): ProjectionStore => {
  const guarded = async <T>(read: () => Promise<T>): Promise<T> => {
    await waitOn(world, durationMs(dice.between(0, 3)))
    return alive() ? read() : never()
  }
  return {
    checkpoints: () => guarded(() => store.checkpoints()),
    write: async (batch) => {
      const { faults } = weather
      await waitOn(world, durationMs(dice.between(0, faults.projectionLagMsMax)))
      if (!alive()) return never()
      if (dice.chance(faults.storeWriteFails)) {
        note(weather, 'projection write fails')
        // A writer that does not know whether its rows landed: half of the time they did.
        if (dice.chance(0.5)) await store.write(batch)
        throw new Error('simulated: the projection write failed')
      }
      return store.write(batch)
    },
    readyQueues: () => guarded(() => store.readyQueues()),
    ready: (namespace, handler, limit) => guarded(() => store.ready(namespace, handler, limit)),
    longestWaiting: (...asked) => guarded(() => store.longestWaiting(...asked)),
    timers: (dueBefore, limit) => guarded(() => store.timers(dueBefore, limit)),
    inFlight: () => guarded(() => store.inFlight()),
    identity: (scope) => guarded(() => store.identity(scope)),
    key: (namespace, queue) => guarded(() => store.key(namespace, queue)),
    heldKeys: () => guarded(() => store.heldKeys()),
    close: () => Promise.resolve(),
  }
}

const fragileTransport = (
  transport: EventTransport,
  world: Clock,
  dice: Dice,
  weather: Weather,
  alive: () => boolean,
): EventTransport => {
  const reached = async (): Promise<void> => {
    await waitOn(world, durationMs(dice.between(0, 50)))
    if (!alive()) return never()
    if (!dice.chance(weather.faults.transportAway)) return
    note(weather, 'transport away')
    throw new Error('simulated: the transport is away')
  }
  return {
    name: transport.name,
    checkpoints: async () => {
      await reached()
      return transport.checkpoints()
    },
    publish: async (batch) => {
      await reached()
      if (dice.chance(weather.faults.transportAnswerLost)) {
        note(weather, 'answer of the transport lost')
        if (dice.chance(0.5)) await transport.publish(batch)
        throw new Error('simulated: the answer was lost')
      }
      const answer = await transport.publish(batch)
      await waitOn(world, durationMs(dice.between(0, 20)))
      return alive() ? answer : never()
    },
    close: () => Promise.resolve(),
  }
}
