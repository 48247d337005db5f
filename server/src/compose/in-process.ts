/** The wiring of a server inside another program: the log and the rows in memory, a clock that is given, and no port, no file, no process. */
import { durationMs, NO_LIFECYCLE } from '@tasker/core'
import type { Clock } from '../engine/clock.js'
import { type RunningEngine, startEngine } from '../engine/engine.js'
import type { EngineSettings } from '../engine/engine-ports.js'
import { WORKER_TIMES_DEFAULT, type DoorLogger } from '../grpc/door.js'
import { inProcessDoor, type InProcessDoor } from '../grpc/in-process.js'
import { type MemoryLog, memoryLog } from '../log/memory/memory-log.js'
import type { EventLog } from '../log/port.js'
import { type MemoryStore, memoryStore } from '../projections/memory-store.js'
import type { ProjectionStore } from '../projections/port.js'
import { memoryTaskLists } from '../query/memory-query.js'
import { createMetrics } from '../telemetry/metrics.js'
import { schemaCheck } from '../templates/json-schema.js'
import { TimerWheel } from '../timers/timer-wheel.js'

/** What outlives a server. */
export interface MemoryDisk {
  readonly log: MemoryLog
  readonly store: MemoryStore
}

export const memoryDisk = (): MemoryDisk => ({ log: memoryLog({ partitionCount: 1 }), store: memoryStore() })

export interface InProcessServer {
  readonly door: InProcessDoor
  /** Ends the streams and writes what waits. */
  stop(): Promise<void>
  /** The process is gone: nothing of it happens any more, and what it had not written is lost. */
  kill(): void
}

const YEAR_MS = 31_557_600_000

/** Time jumps: nobody is silent for that, and every timer is in memory, so that the clock knows them all. */
const SETTINGS: Omit<EngineSettings, 'node'> = {
  batchCommitsMax: 500,
  cacheBytesMax: 256 * 1024 * 1024,
  projectionIntervalMs: durationMs(0),
  limits: { timerHorizonMs: 1_000 * YEAR_MS },
  workerGraceMs: WORKER_TIMES_DEFAULT.graceMs,
  workerSilenceMs: durationMs(1_000 * YEAR_MS),
  cancelGraceMs: durationMs(10_000),
  templateReplace: false,
  environment: undefined,
  lifecycle: NO_LIFECYCLE,
  workerUnavailableMs: durationMs(5_000),
  workerUnavailableDeadLetterMs: durationMs(600_000),
}

/** Time does not jump by itself, and every timer has its own millisecond. */
const WHEEL = { bucketMs: 1, sleepMsMax: Number.MAX_SAFE_INTEGER }

/** Starts on what a server before it has left there. */
export const startInProcess = async (
  disk: MemoryDisk,
  clock: Clock,
  logger: DoorLogger,
  node: string,
): Promise<InProcessServer> => {
  const life = new Life()
  const engine = await startEngine(
    {
      log: mortalLog(disk.log, life),
      store: mortalStore(disk.store, life),
      clock: mortalClock(clock, life),
      schemaCheck: schemaCheck(),
      metrics: createMetrics(),
      draw: () => 0.5,
      makers: { wheel: (ticking) => new TimerWheel(ticking, WHEEL) },
    },
    { ...SETTINGS, node },
    {
      fenced: (message) => logger.warn({ message }, 'another server took over'),
      quarantined: (stream) => logger.error({ ...stream }, 'a task is quarantined'),
      logAvailable: () => undefined,
    },
  )
  return joined(engine, disk, logger, node, life)
}

const joined = (engine: RunningEngine, { store }: MemoryDisk, logger: DoorLogger, node: string, life: Life): InProcessServer => {
  const door = inProcessDoor({
    engine,
    lists: memoryTaskLists(() => store.dump().tasks),
    logger,
    serverId: node,
    workerTimes: WORKER_TIMES_DEFAULT,
  })
  return {
    door,
    stop: async () => {
      door.stop()
      await engine.stop()
      life.end()
    },
    kill: () => {
      life.end()
      door.kill()
    },
  }
}

/** Of one server: with its end its alarms are called off. */
class Life {
  readonly #alarms = new Set<() => void>()
  over = false

  end(): void {
    this.over = true
    for (const callOff of this.#alarms) callOff()
    this.#alarms.clear()
  }

  after(...[clock, delayMs, call, use]: [Clock, ...Parameters<Clock['after']>]): () => void {
    if (this.over) return () => undefined
    const forget = (): void => void this.#alarms.delete(callOff)
    const stop = clock.after(
      delayMs,
      () => {
        forget()
        call()
      },
      use,
    )
    const callOff = (): void => {
      forget()
      stop()
    }
    this.#alarms.add(callOff)
    return callOff
  }
}

const never = (): Promise<never> => new Promise(() => undefined)

/** What the dead write stays unwritten and unanswered. */
const mortalLog = (log: EventLog, life: Life): EventLog => ({
  ...log,
  append: (rows) => (life.over ? never() : log.append(rows)),
  acquire: (partition, node, at) => (life.over ? never() : log.acquire(partition, node, at)),
  close: () => Promise.resolve(),
})

const mortalStore = (store: ProjectionStore, life: Life): ProjectionStore => ({
  ...store,
  write: (batch) => (life.over ? never() : store.write(batch)),
  close: () => Promise.resolve(),
})

const mortalClock = (clock: Clock, life: Life): Clock => ({
  now: () => clock.now(),
  monotonicMs: () => clock.monotonicMs(),
  after: (delayMs, call, use) => life.after(clock, delayMs, call, use),
})
