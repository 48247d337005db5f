/** A worker's life on the wire: greeting, commands and acknowledgements, losing the server and coming back, draining and stopping. */
import type { ConnectRequest, ConnectResponse, StepResult, WorkerHello } from '@tasker/proto'
import type { Clock } from '../clock.js'
import type { TaskerError, TaskerErrorCode } from '../errors/tasker-error.js'
import { LIMITS } from '../limits.js'
import type { Logger } from '../logger.js'
import { createLink } from '../wire/link.js'
import type { Transport } from '../wire/transport.js'
import { createAttempts } from './attempts.js'
import type { Handlers } from './handlers.js'
import { createOutbox } from './outbox.js'

export interface SessionPorts {
  readonly transport: Transport
  readonly clock: Clock
  readonly logger: Logger
  readonly handlers: Handlers
  readonly hello: Omit<WorkerHello, 'running'>
  readonly drainMsMax: number
  /** Greeted, for the first time or again. */
  readonly onConnect: (serverId: string) => void
  readonly onEnd: (error: TaskerError | undefined) => void
}

export interface WorkerSession {
  start(): void
  /** Finishes what it has and takes no more (W11). */
  drain(): void
  /** Aborts what it has, answers for it, and goes. */
  stop(): void
}

type Phase =
  | { readonly type: 'running' }
  | { readonly type: 'draining'; readonly sinceMs: number }
  | { readonly type: 'stopping'; readonly sinceMs: number }

/** A hello that was refused once is refused always (W12); all else may pass. */
const FINAL: ReadonlySet<TaskerErrorCode> = new Set<TaskerErrorCode>(['INVALID_INPUT', 'UNAUTHENTICATED', 'FORBIDDEN'])

export const createSession = (ports: SessionPorts): WorkerSession => {
  const { clock, logger } = ports
  let phase: Phase = { type: 'running' }
  let heartbeatMs = Infinity
  let heardAtMs = 0
  let stopSweep = (): void => undefined

  const attempts = createAttempts({
    handlers: ports.handlers,
    clock,
    logger,
    onResult: (result: StepResult) => outbox.add(result),
  })

  const link = createLink<ConnectRequest, ConnectResponse>({
    open: ports.transport.openWorker,
    clock,
    greetingMs: LIMITS.greetingMs,
    final: FINAL,
    onOpen: () => {
      const hello = { ...ports.hello, running: attempts.refs() }
      link.write({ hello, results: [], heartbeats: [], drain: undefined })
    },
    onMessage: (message) => hear(message),
    onWritable: () => outbox.flush(),
    onLost: (error, waitMs) => {
      outbox.close()
      logger.warn('the stream to the server is lost and will be opened again', { error: error.message, waitMs })
    },
    onClosed: (error) => {
      stopSweep()
      outbox.close()
      attempts.abortAll('stopped')
      ports.onEnd(error)
    },
  })
  const outbox = createOutbox(link, clock)

  const hear = (message: ConnectResponse): void => {
    heardAtMs = clock.nowMs()
    if (message.welcome !== undefined) welcomed(message.welcome)
    for (const ack of message.acks) {
      if (ack.ref !== undefined) attempts.acknowledged(ack.ref)
      if (ack.reason !== '') logger.debug('a result was not recorded', { ...ack.ref, reason: ack.reason, told: ack.message })
    }
    for (const command of message.commands) attempts.start(command)
    if (phase.type === 'stopping' && message.commands.length > 0) attempts.abortAll('stopped')
    for (const cancellation of message.cancellations) if (cancellation.ref !== undefined) attempts.cancel(cancellation.ref)
    for (const problem of message.problems)
      logger.warn('the server found a problem', { reason: problem.reason, told: problem.message })
  }

  const welcomed = (welcome: NonNullable<ConnectResponse['welcome']>): void => {
    link.greeted()
    heartbeatMs = welcome.heartbeatIntervalMs
    attempts.setResultBytesMax(welcome.resultBytesMax)
    for (const ref of welcome.forgotten) attempts.forget(ref)
    outbox.open(attempts.unacknowledged())
    if (phase.type !== 'running') outbox.drain()
    ports.onConnect(welcome.serverId)
  }

  const sweep = (): void => {
    const nowMs = clock.nowMs()
    attempts.sweep(nowMs)
    outbox.beat(attempts.takeHeartbeats(), nowMs, heartbeatMs)
    switch (phase.type) {
      case 'running':
        return
      case 'draining':
        if (isDone(nowMs, phase.sinceMs)) link.finish()
        else if (nowMs - phase.sinceMs >= ports.drainMsMax) stop()
        return
      case 'stopping':
        if (isDone(nowMs, phase.sinceMs)) link.finish()
        else if (nowMs - phase.sinceMs >= 2 * LIMITS.stopMs) link.abort()
        else if (nowMs - phase.sinceMs >= LIMITS.stopMs) attempts.giveUp()
        return
    }
  }

  // A command may be on its way while `drain` travels: only a quiet stream is closed.
  const isDone = (nowMs: number, sinceMs: number): boolean =>
    attempts.size() === 0 && nowMs - Math.max(heardAtMs, sinceMs) >= LIMITS.drainQuietMs

  const stop = (): void => {
    if (phase.type === 'stopping') return
    const drained = phase.type === 'draining'
    phase = { type: 'stopping', sinceMs: clock.nowMs() }
    if (!drained) outbox.drain()
    attempts.abortAll('stopped')
  }

  return {
    start: () => {
      stopSweep = clock.every(LIMITS.sweepMs, sweep)
      link.start()
    },
    drain: () => {
      if (phase.type !== 'running') return
      phase = { type: 'draining', sinceMs: clock.nowMs() }
      outbox.drain()
    },
    stop,
  }
}
