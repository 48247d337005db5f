/** A worker's life on the wire: greeting, commands and acknowledgements, losing the server and coming back, draining and stopping. */
import type { ConnectRequest, ConnectResponse, WorkerHello, WorkerWelcome } from '@tasker/proto'
import type { Clock } from '../clock.js'
import type { TaskerError, TaskerErrorCode } from '../errors/tasker-error.js'
import type { Publishers } from '../events/given-events.js'
import { LIMITS } from '../limits.js'
import type { Logger } from '../logger.js'
import { Functions, type FunctionsOptions } from '../runner/functions.js'
import { Link } from '../wire/link.js'
import type { Transport } from '../wire/transport.js'
import { Attempts } from './attempts.js'
import type { Handlers } from './handlers.js'
import { createOutbox, type Outbox } from './outbox.js'

export interface SessionPorts {
  readonly transport: Transport
  readonly clock: Clock
  readonly logger: Logger
  readonly handlers: Handlers
  readonly publishers: Publishers
  readonly functions: FunctionsOptions
  readonly hello: Omit<WorkerHello, 'running'>
  readonly drainMsMax: number
  /** Greeted, for the first time or again. */
  readonly onConnect: (serverId: string) => void
  readonly onEnd: (error: TaskerError | undefined) => void
}

type Phase =
  | { readonly type: 'running' }
  | { readonly type: 'draining'; readonly sinceMs: number }
  | { readonly type: 'stopping'; readonly sinceMs: number }

/** A hello that was refused once is refused always (W12); all else may pass. */
const FINAL: ReadonlySet<TaskerErrorCode> = new Set<TaskerErrorCode>(['INVALID_INPUT', 'UNAUTHENTICATED', 'FORBIDDEN'])

export class WorkerSession {
  readonly #ports: SessionPorts
  readonly #attempts: Attempts
  readonly #functions: Functions
  readonly #link: Link<ConnectRequest, ConnectResponse>
  readonly #outbox: Outbox
  #phase: Phase = { type: 'running' }
  #heartbeatMs = Infinity
  #heardAtMs = 0
  #stopSweep = (): void => undefined

  constructor(ports: SessionPorts) {
    const { clock, logger, handlers, publishers } = ports
    this.#ports = ports
    this.#attempts = new Attempts({ handlers, publishers, clock, logger, onResult: (result) => this.#outbox.add(result) })
    this.#functions = new Functions(ports.functions, {
      clock,
      logger,
      onResult: (result) => this.#outbox.add(result),
      onRecord: (record) => this.#outbox.addRecord(record),
      onWanted: (ref) => this.#outbox.want(ref),
    })
    this.#link = new Link<ConnectRequest, ConnectResponse>({
      open: ports.transport.openWorker,
      clock,
      greetingMs: LIMITS.greetingMs,
      final: FINAL,
      onOpen: () => this.#greet(),
      onMessage: (message) => this.#hear(message),
      onWritable: () => this.#outbox.flush(),
      onLost: (error, waitMs) => {
        this.#outbox.close()
        logger.warn('the stream to the server is lost and will be opened again', { error: error.message, waitMs })
      },
      onClosed: (error) => this.#closed(error),
    })
    this.#outbox = createOutbox(this.#link, clock)
  }

  start(): void {
    this.#stopSweep = this.#ports.clock.every(LIMITS.sweepMs, () => this.#sweep())
    this.#link.start()
  }

  /** Finishes what it has and takes no more (W11). */
  drain(): void {
    if (this.#phase.type !== 'running') return
    this.#phase = { type: 'draining', sinceMs: this.#ports.clock.nowMs() }
    this.#functions.leave()
    this.#outbox.drain()
  }

  /** Aborts what it has, answers for it, and goes. */
  stop(): void {
    if (this.#phase.type === 'stopping') return
    const isDraining = this.#phase.type === 'draining'
    this.#phase = { type: 'stopping', sinceMs: this.#ports.clock.nowMs() }
    if (!isDraining) this.#outbox.drain()
    this.#attempts.abortAll('stopped')
    this.#functions.stop()
  }

  // W1, W2, W9: always the same id, and what is still running here.
  #greet(): void {
    const hello = { ...this.#ports.hello, running: [...this.#attempts.refs(), ...this.#functions.refs()] }
    this.#link.write({ hello, results: [], heartbeats: [], drain: undefined, records: [], journalsWanted: [] })
  }

  #hear(message: ConnectResponse): void {
    const attempts = this.#attempts
    const functions = this.#functions
    const { logger } = this.#ports
    this.#heardAtMs = this.#ports.clock.nowMs()
    if (message.welcome !== undefined) this.#welcomed(message.welcome)
    for (const ack of message.acks) {
      if (ack.ref !== undefined) attempts.acknowledged(ack.ref, ack)
      if (ack.ref !== undefined) functions.acknowledged(ack.ref)
      if (ack.reason !== '') logger.debug('a result was not recorded', { ...ack.ref, reason: ack.reason, told: ack.message })
    }
    for (const news of message.news) functions.hear(news)
    for (const command of message.commands) (command.function === undefined ? attempts : functions).start(command)
    if (this.#phase.type === 'stopping') {
      attempts.abortAll('stopped')
      functions.stop()
    }
    for (const cancellation of message.cancellations) if (cancellation.ref !== undefined) attempts.cancel(cancellation.ref)
    for (const problem of message.problems)
      logger.warn('the server found a problem', { reason: problem.reason, told: problem.message })
  }

  #welcomed(welcome: WorkerWelcome): void {
    this.#link.greeted()
    this.#heartbeatMs = welcome.heartbeatIntervalMs
    this.#attempts.setResultBytesMax(welcome.resultBytesMax)
    this.#functions.setResultBytesMax(welcome.resultBytesMax)
    for (const ref of welcome.forgotten) {
      this.#attempts.forget(ref)
      this.#functions.forget(ref)
    }
    const { results, records, wanted } = this.#functions.unacknowledged()
    this.#outbox.open({ results: [...this.#attempts.unacknowledged(), ...results], records, wanted })
    if (this.#phase.type !== 'running') this.#outbox.drain()
    this.#ports.onConnect(welcome.serverId)
  }

  #sweep(): void {
    const nowMs = this.#ports.clock.nowMs()
    this.#attempts.sweep(nowMs)
    this.#functions.sweep(nowMs)
    this.#outbox.beat(this.#attempts.takeHeartbeats(), nowMs, this.#heartbeatMs)
    if (this.#phase.type === 'running') return
    const leavingMs = nowMs - this.#phase.sinceMs
    if (this.#isDone(nowMs, this.#phase.sinceMs)) this.#link.finish()
    else if (this.#phase.type === 'draining') {
      if (leavingMs >= this.#ports.drainMsMax) this.stop()
    } else if (leavingMs >= 2 * LIMITS.stopMs) this.#link.abort()
    else if (leavingMs >= LIMITS.stopMs) {
      this.#attempts.giveUp()
      this.#functions.giveUp()
    }
  }

  // A command may be on its way while `drain` travels: only a quiet stream is closed.
  #isDone(nowMs: number, sinceMs: number): boolean {
    return this.#attempts.size + this.#functions.size === 0 && nowMs - Math.max(this.#heardAtMs, sinceMs) >= LIMITS.drainQuietMs
  }

  #closed(error: TaskerError | undefined): void {
    this.#stopSweep()
    this.#outbox.close()
    this.#attempts.abortAll('stopped')
    this.#functions.stop()
    this.#ports.onEnd(error)
  }
}
