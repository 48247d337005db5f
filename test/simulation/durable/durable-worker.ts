/** A worker as the SDK has it, less its wire: its streams go over the network of the world, and its process may freeze, die, or be cut off while it works on. */
import { durationMs, type Namespace, taskIdFrom, type WorkerId, workerId } from '@tasker/core'
import type { ConnectRequest, ConnectResponse } from '@tasker/proto'
import {
  defineStep,
  type FunctionDefinition,
  type Logger,
  type MessageStream,
  type StreamListener,
  TaskerError,
} from '@tasker/sdk'
import { functionAddress } from '@tasker/sdk/internal/function/define-function'
import { attemptKey } from '@tasker/sdk/internal/worker/attempt'
import { handlersOf } from '@tasker/sdk/internal/worker/handlers'
import { WorkerSession } from '@tasker/sdk/internal/worker/session'
import { memoryTransport } from '@tasker/testing/internal/memory-transport'
import type { AttemptRef, Engine } from '@tasker/server/internal/engine/api'
import { attemptRef } from '@tasker/server/internal/grpc/attempt-ref'
import { DOOR_LIMITS, type DoorLogger, WORKER_TIMES_DEFAULT } from '@tasker/server/internal/grpc/door'
import { MemoryCall } from '@tasker/server/internal/grpc/memory-call'
import { serveWorker } from '@tasker/server/internal/grpc/worker-stream'
import type { VirtualClock } from '../../support/virtual-clock.js'
import type { Dice } from '../dice.js'
import { NO_FAULTS } from '../fault-plan.js'
import type { WorkerHolds } from '../invariants/invariant.js'
import { Link, type NetworkParts } from '../network.js'
import type { PlantedBug } from '../planted-bug.js'
import type { Server } from '../servers.js'
import type { Trace } from '../trace.js'
import type { Weather } from '../weather.js'
import { SimProcess } from './sim-process.js'

export interface DurableWorkerParts {
  readonly name: string
  readonly clock: VirtualClock
  readonly dice: Dice
  readonly weather: Weather
  readonly trace: Trace
  readonly network: NetworkParts
  readonly namespace: Namespace
  readonly functions: readonly FunctionDefinition[]
  /** Handlers of templates that are no functions. */
  readonly handlers: readonly string[]
  /** The server that a new stream goes to. */
  readonly server: () => Server | undefined
  /** A message leaves a server for this worker. */
  readonly left: (to: WorkerId, message: ConnectResponse) => void
  readonly bug: PlantedBug | undefined
}

/** How long a step works, and how long one may that takes longer than its time. */
const WORK_MS_MAX = 600
const LONG_WORK_MS_MAX = 8_000
const DRAIN_MS = 20_000
const RETRY_MS = 100
/** Kept when it is suspended: nothing, a little, or as long as the SDK does. */
const KEPT = [
  { cacheBytes: 0, keepMs: 0 },
  { cacheBytes: 2_000, keepMs: 2_000 },
  { cacheBytes: 1_000_000, keepMs: 10_000 },
] as const

/** How often a record comes again, and how much later. */
const SAID_AGAIN = 0.05
const SAID_AGAIN_MS = { from: 100, to: 25_000 } as const
const NOTHING: ConnectRequest = {
  hello: undefined,
  results: [],
  heartbeats: [],
  drain: undefined,
  records: [],
  journalsWanted: [],
}

interface Stream {
  readonly link: Link<FarEnd>
  readonly end: () => void
}

interface FarEnd {
  say(message: ConnectRequest): void
  disconnected(): void
}

export class DurableWorker implements WorkerHolds {
  readonly #parts: DurableWorkerParts
  #process: SimProcess
  #session: WorkerSession
  #stream: Stream | undefined
  #alone = 0
  /** Results that were said and are not acknowledged. */
  readonly #unacknowledged = new Map<string, AttemptRef>()

  constructor(parts: DurableWorkerParts) {
    this.#parts = parts
    const { process, session } = this.#begin()
    this.#process = process
    this.#session = session
    session.start()
  }

  get name(): string {
    return this.#parts.name
  }

  get unacknowledged(): readonly AttemptRef[] {
    return [...this.#unacknowledged.values()]
  }

  /** The stream breaks; the worker comes back with what it has. */
  cut(): void {
    this.#stream?.end()
  }

  /** No stream comes up for a while, and its functions go on all the same: its server gives them to another. */
  isolate(forMs: number): void {
    this.#alone = this.#parts.clock.monotonicMs() + forMs
    this.cut()
  }

  serverEnded(engine: Engine | undefined): void {
    if (this.#stream !== undefined && this.#stream.link.server.engine === engine) this.cut()
  }

  /** The process is gone; another one starts. */
  die(): void {
    this.#process.end()
    this.#stream?.link.cut()
    this.#stream = undefined
    this.#unacknowledged.clear()
    const { process, session } = this.#begin()
    this.#process = process
    this.#session = session
    session.start()
  }

  drain(): void {
    this.#session.drain()
  }

  freeze(forMs: number): void {
    this.#process.freeze(forMs)
  }

  #begin(): { readonly process: SimProcess; readonly session: WorkerSession } {
    const { clock, dice, weather, namespace, functions, trace, name } = this.#parts
    const process = new SimProcess(clock, dice)
    const id = workerId(taskIdFrom(clock.now(), dice.bytes(10)))
    const workMs = (): number => {
      const hangs = weather.faults.stepHangs > 0 && dice.chance(weather.faults.stepHangs)
      if (hangs) weather.note('step hangs', name)
      return dice.between(0, hangs ? LONG_WORK_MS_MAX : WORK_MS_MAX)
    }
    const handlers = handlersOf(
      namespace,
      [],
      this.#parts.handlers.map((callable) => defineStep(callable, async () => process.work(workMs()))),
    )
    const replaysAlways = dice.chance(0.2)
    const { cacheBytes, keepMs } = dice.pick(KEPT)
    trace.add(name, () => `starts as ${id}, keeps ${cacheBytes} bytes for ${keepMs} ms${replaysAlways ? ', replays always' : ''}`)
    const session = new WorkerSession({
      transport: {
        ...memoryTransport(() => {
          throw new Error('a worker of this world asks its server for nothing but a stream')
        }),
        openWorker: (listener) => this.#open(listener, process, id),
      },
      clock: process.clock,
      logger: this.#logger(),
      handlers,
      publishers: new Map(),
      functions: {
        definitions: new Map(functions.map((definition) => [functionAddress(definition), definition])),
        cacheBytes,
        keepMs,
        replaysAlways,
        around: (_step, _scope, run) => process.work(workMs()).then(run),
      },
      hello: {
        workerId: id,
        namespace,
        handlers: [...handlers.names, ...functions.map(functionAddress)],
        slots: dice.between(2, 20),
        codeVersion: '',
        sdk: 'sim',
        host: 'sim',
      },
      drainMsMax: DRAIN_MS,
      onConnect: (server) => trace.add(name, () => `is greeted by ${server}`),
      onEnd: () => this.#ended(process),
    })
    return { process, session }
  }

  /** What the SDK tells people stands in the trace. */
  #logger(): Logger {
    const { trace, name } = this.#parts
    const told = (message: string, fields?: object): void =>
      trace.add(name, () => `logs: ${message} ${fields === undefined ? '' : JSON.stringify(fields)}`)
    return { debug: () => undefined, info: told, warn: told, error: told }
  }

  /** After a drain another process takes its place. */
  #ended(process: SimProcess): void {
    if (process === this.#process && process.lives) this.die()
  }

  #open(listener: StreamListener<ConnectResponse>, process: SimProcess, id: WorkerId): MessageStream<ConnectRequest> {
    const { server, clock, network, left, bug, trace, name } = this.#parts
    const to = server()
    if (to === undefined || clock.monotonicMs() < this.#alone) return this.#nowhere(listener, process)
    let over = false
    const end = (error: TaskerError | undefined): void => {
      if (over) return
      over = true
      link.cut()
      if (this.#stream === stream) this.#stream = undefined
      process.whenItGoesOn(() => listener.onEnd(error))
    }
    const link: Link<FarEnd> = new Link(network, to, () => end(unreachable()))
    const call = new MemoryCall<ConnectRequest, ConnectResponse>(
      {
        onMessage: (said) => {
          if (!to.life.lives()) return
          const message = bug?.message?.(said) ?? said
          left(id, message)
          link.toWorker(() =>
            process.whenItGoesOn(() => {
              if (over) return
              this.#hears(message)
              listener.onMessage(bug?.heard?.(message) ?? message)
            }),
          )
        },
        onEnd: (status) => {
          if (to.life.lives()) link.toWorker(() => end(status === undefined ? undefined : unreachable()))
        },
      },
      () => undefined,
    )
    const door = { engine: to.engine, logger: SILENT, serverId: to.name, workerTimes: WORKER_TIMES_DEFAULT, limits: DOOR_LIMITS }
    serveWorker(door, call, () => undefined)
    link.session = { say: (message) => call.say(message), disconnected: () => call.abort() }
    const stream: Stream = { link, end: () => end(unreachable()) }
    this.#stream = stream
    trace.add(name, () => `connects to ${to.name} as ${id}`)
    return {
      write: (message) => {
        if (process.lives && !over) {
          this.#says(message)
          link.toServer((far) => far.say(message))
          this.#saysAgainLate(message)
        }
        return true
      },
      finish: () => end(undefined),
      abort: () => {
        over = true
        link.cut()
      },
    }
  }

  #nowhere(listener: StreamListener<ConnectResponse>, process: SimProcess): MessageStream<ConnectRequest> {
    let over = false
    process.clock.after(RETRY_MS, () => {
      if (!over) listener.onEnd(unreachable())
    })
    return { write: () => true, finish: () => undefined, abort: () => void (over = true) }
  }

  /** What a run handed in comes once more, much later, on the stream that this worker, or the one in its place, has then. */
  #saysAgainLate({ records }: ConnectRequest): void {
    const { clock, dice, weather, name } = this.#parts
    if (records.length === 0 || weather.faults === NO_FAULTS || !dice.chance(SAID_AGAIN)) return
    clock.after(durationMs(dice.between(SAID_AGAIN_MS.from, SAID_AGAIN_MS.to)), () => {
      if (this.#stream === undefined) return
      weather.note('record late', name)
      this.#stream.link.toServer((far) => far.say({ ...NOTHING, records }))
    })
  }

  #says({ results, records, journalsWanted }: ConnectRequest): void {
    const { trace, name } = this.#parts
    for (const { ref: wire, outcome } of results) {
      const ref = wire === undefined ? undefined : refOf(wire)
      if (wire === undefined || ref === undefined) continue
      this.#unacknowledged.set(attemptKey(wire), ref)
      trace.add(name, () => `says ${outcome?.$case} of attempt ${ref.attempt} of ${ref.step} of ${ref.taskId}`, ref.taskId)
    }
    for (const { ref: wire, number, life, proposals, ending } of records) {
      const ref = wire === undefined ? undefined : refOf(wire)
      if (ref === undefined) continue
      const what = proposals.map(({ key, proposal }) => `${proposal?.$case} ${key}`).join(', ')
      trace.add(
        name,
        () => `hands in ${number} of life ${life} of attempt ${ref.attempt} of ${ref.taskId}: ${what} ${ending?.$case ?? ''}`,
        ref.taskId,
      )
    }
    for (const { ref } of journalsWanted) trace.add(name, () => `wants the journal of ${ref?.taskId}`)
  }

  #hears({ acks, commands, news, welcome }: ConnectResponse): void {
    const { trace, name } = this.#parts
    for (const { ref, status } of acks) {
      if (ref === undefined) continue
      this.#unacknowledged.delete(attemptKey(ref))
      trace.add(name, () => `hears ${status} of attempt ${ref.attempt} of ${ref.stepId} of ${ref.taskId}`, refOf(ref)?.taskId)
    }
    for (const ref of welcome?.forgotten ?? []) this.#unacknowledged.delete(attemptKey(ref))
    for (const { ref, function: run } of commands) {
      if (ref === undefined) continue
      const journal = run === undefined ? '' : `, life ${run.life} from ${run.from} of ${run.length}`
      trace.add(name, () => `takes attempt ${ref.attempt} of ${ref.stepId} of ${ref.taskId}${journal}`, refOf(ref)?.taskId)
    }
    for (const { ref, life, from, entries, recorded, pause, refused } of news) {
      if (ref === undefined) continue
      const facts = entries.map(({ key, fact }) => `${fact?.$case} ${key}`).join(', ')
      trace.add(
        name,
        () =>
          `hears of life ${life} of attempt ${ref.attempt} of ${ref.taskId} from ${from}: ${facts}; recorded ${recorded}, pause ${pause} ${refused?.reason ?? ''}`,
        refOf(ref)?.taskId,
      )
    }
  }
}

const SILENT: DoorLogger = { info: () => undefined, warn: () => undefined, error: () => undefined }

type WireRef = Parameters<typeof attemptRef>[0]

const refOf = (wire: WireRef): AttemptRef | undefined => {
  const read = attemptRef(wire)
  return read.type === 'ref' ? read.ref : undefined
}

const unreachable = (): TaskerError =>
  new TaskerError({ code: 'UNAVAILABLE', reason: 'SERVER_UNREACHABLE', message: 'simulated', retryable: true })
