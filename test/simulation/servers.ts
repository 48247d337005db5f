/** The server processes of a world: they start, die, are started again, and at times one starts while another still serves. */
import { durationMs } from '@tasker/core'
import type { PartMakers, PublishingPorts } from '@tasker/server/internal/engine/engine-ports'
import { type RunningEngine, startEngine } from '@tasker/server/internal/engine/engine'
import type { SealingPorts } from '@tasker/server/internal/engine/seals/sealer'
import { StreamCache } from '@tasker/server/internal/engine/stream-cache'
import type { EventLog } from '@tasker/server/internal/log/port'
import type { ProjectionStore } from '@tasker/server/internal/projections/port'
import type { EventTransport } from '@tasker/server/internal/publishers/transport'
import { createMetrics } from '@tasker/server/internal/telemetry/metrics'
import { schemaCheck } from '@tasker/server/internal/templates/json-schema'
import { ENGINE_SETTINGS } from '../support/engine-settings.js'
import type { VirtualClock } from '../support/virtual-clock.js'
import type { CrashPoints } from './crash-points.js'
import type { Dice } from './dice.js'
import { fragileLog } from './fragile-log.js'
import { fragileStore } from './fragile-store.js'
import { fragileTransport } from './fragile-transport.js'
import { Life } from './life.js'
import type { PlantedBug } from './planted-bug.js'
import type { Trace } from './trace.js'
import type { Weather } from './weather.js'

export interface Server {
  readonly name: string
  readonly life: Life
  readonly engine: RunningEngine
  /** The wall clock when it began to answer. */
  readonly servesSince: number
}

export interface ServersParts {
  readonly clock: VirtualClock
  readonly trace: Trace
  readonly weather: Weather
  readonly dice: Dice
  readonly eventDice: Dice
  /** Of crashes of projection writers. */
  readonly crashDice: Dice
  readonly crashes: CrashPoints
  /** The log as the server of this name writes to it. */
  readonly log: (name: string) => EventLog
  readonly store: ProjectionStore
  readonly transport: EventTransport
  /** Steps of one queue that are in memory; undefined for as many as a server keeps. */
  readonly readyWindowMax: number | undefined
  /** How seals are made; none are in a world that is older. */
  readonly sealing: SealingPorts | undefined
  readonly bug: PlantedBug | undefined
  readonly violated: (what: string) => void
  /** Streams to it break. */
  readonly ended: (engine: RunningEngine | undefined) => void
}

/** How long a process that lost everything may still be there. */
const OUTLIVES_MS = durationMs(20_000)

export class Servers {
  readonly #parts: ServersParts
  #started = 0
  /** The process that was started last, whether it answers yet or not. */
  #latest: Life | undefined
  #current: Server | undefined
  readonly #answering = new Map<Life, Server>()
  readonly #caches = new Map<Life, StreamCache>()
  readonly #gone = new WeakSet<Life>()

  constructor(parts: ServersParts) {
    this.#parts = parts
  }

  /** The server that answers now; undefined while none does. */
  get current(): Server | undefined {
    return this.#current
  }

  /** All that live and answer: at times also one that has lost everything and does not know. */
  get answering(): readonly Server[] {
    return [...this.#answering.values()]
  }

  /** A process is there, whether it answers yet or not. */
  get isStarted(): boolean {
    return this.#latest !== undefined
  }

  start(): void {
    const { clock, dice, eventDice, weather, crashes, trace } = this.#parts
    const name = `node-${++this.#started}`
    const life: Life = new Life({
      name,
      world: clock,
      dice,
      eventDice,
      weather,
      crashes,
      crashed: (where) => this.#end(life, `dies ${where}`),
    })
    this.#latest = life
    trace.add(name, () => 'starts')
    startEngine(...this.#enginePartsOf(life)).then(
      (engine) => {
        if (!life.lives()) return
        trace.add(name, () => 'answers')
        const server = { name, life, engine, servesSince: clock.now() }
        this.#answering.set(life, server)
        if (this.#latest === life) this.#current = server
      },
      // A start that failed on a simulated fault is tried again, as a supervisor would.
      (error: unknown) => (life.lives() ? this.#end(life, `cannot start: ${String(error)}`) : undefined),
    )
  }

  /** The newest process dies where it is. */
  crash(): void {
    if (this.#latest !== undefined) this.#end(this.#latest, 'is killed')
  }

  /** A second server starts while the first still serves its workers: the log fences the first. */
  takeOver(): void {
    const old = this.#latest
    if (old === undefined || this.#current === undefined) return
    this.start()
    // The old one finds out by itself, or its machine goes down at last.
    this.#parts.clock.after(OUTLIVES_MS, () => this.#end(old, 'is switched off'))
  }

  /** Every folded task that has nothing on its way leaves memory. */
  pressMemory(): void {
    for (const cache of this.#caches.values())
      for (const stream of [...cache.all()]) if (stream.lastPending === undefined) cache.drop(stream)
  }

  /** Nothing of the newest is heard again, and no other starts. */
  stop(): void {
    this.#latest?.end()
  }

  #enginePartsOf(life: Life): Parameters<typeof startEngine> {
    const { dice, bug, readyWindowMax } = this.#parts
    const { name } = life.parts
    const ports = this.#portsOf(life)
    const settings = {
      ...ENGINE_SETTINGS,
      node: name,
      batchCommitsMax: dice.pick([3, 50, 500]),
      cacheBytesMax: dice.pick([20_000, 1_000_000_000]),
      // Tasks here are short: what is evicted comes back from a snapshot all the same.
      snapshotEvents: 9,
      ...(readyWindowMax === undefined ? {} : { readyWindowMax }),
    }
    const makers: Partial<PartMakers> = {
      ...bug?.makers?.(ports.store),
      cache: (bytesMax) => {
        const cache = new StreamCache(bytesMax)
        this.#caches.set(life, cache)
        return cache
      },
    }
    const hooks = {
      fenced: () => this.#end(life, 'finds itself fenced'),
      quarantined: (stream: object) => this.#parts.violated(`quarantined ${JSON.stringify(stream)}`),
      logAvailable: () => undefined,
    }
    return [{ ...ports, makers }, settings, hooks]
  }

  #portsOf(life: Life): Omit<Parameters<typeof startEngine>[0], 'makers'> {
    const { log, store, transport, dice, crashDice, bug, violated, clock, sealing } = this.#parts
    const whole = fragileLog(log(life.parts.name), life)
    const publishing: PublishingPorts = {
      transport: fragileTransport(transport, life),
      available: () => undefined,
      unreadable: (stream, error) => violated(`the domain events of ${stream} cannot be read: ${String(error)}`),
    }
    return {
      log: bug?.log?.(whole, clock, life) ?? whole,
      store: fragileStore(bug?.store?.(store) ?? store, life, crashDice),
      clock: life.clock(),
      schemaCheck: schemaCheck(),
      metrics: createMetrics(),
      draw: () => dice.next(),
      publishing,
      ...(sealing === undefined ? {} : { sealing }),
    }
  }

  /** A process ends; if it was the newest, another starts a little later. */
  #end(life: Life, how: string): void {
    if (this.#gone.has(life)) return
    this.#gone.add(life)
    life.end()
    const { trace, ended, clock, dice } = this.#parts
    const server = this.#answering.get(life)
    trace.add(life.parts.name, () => how)
    if (this.#current === server) this.#current = undefined
    ended(server?.engine)
    this.#answering.delete(life)
    this.#caches.delete(life)
    if (this.#latest !== life) return
    this.#latest = undefined
    clock.after(durationMs(dice.between(10, 3_000)), () => {
      if (this.#latest === undefined) this.start()
    })
  }
}
