/** The attempts a worker has: each is run once by its key (W7), ends in one result (W4), and is kept until that is acknowledged (W5). */
import { AckStatus, type AttemptRef, type ResultAck, type StepCommand, type StepHeartbeat, type StepResult } from '@tasker/proto'
import type { Clock } from '../clock.js'
import { failureOf, fromUnknown, isAbort } from '../errors/failure.js'
import { type Publishers, withEvents } from '../events/given-events.js'
import { LIMITS } from '../limits.js'
import type { Logger } from '../logger.js'
import { AttemptContext } from '../step/attempt-context.js'
import { serialize } from '../step/json.js'
import { jsonPayload } from '../step/payload.js'
import { isThenable } from '../durable/thenable.js'
import { Attempt, attemptKey, type AttemptPorts, type StopCause } from './attempt.js'
import type { Handler, Handlers } from './handlers.js'
import { cancelledResult, failureResult, resultOf } from './result.js'

export interface AttemptsPorts {
  readonly handlers: Handlers
  readonly clock: Clock
  readonly logger: Logger
  readonly publishers: Publishers
  /** A result is there to be sent. */
  readonly onResult: (result: StepResult) => void
}

export class Attempts {
  readonly #ports: AttemptsPorts
  readonly #attempts = new Map<string, Attempt>()
  readonly #beats = new Set<Attempt>()
  readonly #shared: AttemptPorts
  #resultBytesMax: number = LIMITS.resultBytesMax

  constructor(ports: AttemptsPorts) {
    this.#ports = ports
    this.#shared = { beats: this.#beats, say: ports.onResult, bytesMax: () => this.#resultBytesMax }
  }

  /** How many run or hold a result. */
  get size(): number {
    return this.#attempts.size
  }

  /** The server's bound of a result. */
  setResultBytesMax(bytes: number): void {
    this.#resultBytesMax = bytes
  }

  start(command: StepCommand): void {
    const { ref } = command
    if (ref === undefined) return this.#ports.logger.warn('the server sent a command that names no attempt')
    const key = attemptKey(ref)
    if (this.#attempts.has(key)) return
    const attempt = new Attempt(key, ref, command.timeoutMs === 0 ? Infinity : command.timeoutMs, this.#shared)
    attempt.startTime(this.#ports.clock.nowMs())
    this.#attempts.set(key, attempt)
    this.#run(attempt, command)
  }

  /** The server has what it wants: the attempt is forgotten (W5), or goes on from its checkpoint (W16). */
  acknowledged(ref: AttemptRef, ack: ResultAck): void {
    if (ack.checkpoint === 0) this.#attempts.delete(attemptKey(ref))
    else if (ack.status === AckStatus.ACK_STATUS_IGNORED) this.forget(ref)
    else this.#attempts.get(attemptKey(ref))?.checkpointAnswered(ack, this.#ports.clock.nowMs())
  }

  /** W10. */
  cancel(ref: AttemptRef): void {
    this.#attempts.get(attemptKey(ref))?.abort('cancelled')
  }

  /** Not ours any more: aborted, and no result is sent (W9). */
  forget(ref: AttemptRef): void {
    const attempt = this.#attempts.get(attemptKey(ref))
    this.#attempts.delete(attemptKey(ref))
    attempt?.abort('forgotten')
  }

  /** For `hello.running`. */
  refs(): AttemptRef[] {
    return Array.from(this.#attempts.values(), (attempt) => attempt.ref)
  }

  /** What is sent again after a reconnect, the attempt that started first before the others. */
  unacknowledged(): StepResult[] {
    return Array.from(this.#attempts.values()).flatMap((attempt) => attempt.unacknowledged())
  }

  /** Aborts what is over its time, answers for handlers that do not hear. */
  sweep(nowMs: number): void {
    for (const attempt of this.#attempts.values()) {
      if (attempt.result !== undefined || nowMs < attempt.deadlineAtMs) continue
      attempt.abort('timed_out')
      if (nowMs < attempt.deadlineAtMs + LIMITS.overrunMs) continue
      this.#ports.logger.warn('a handler goes on after its timeout and does not heed its signal', { ...attempt.ref })
      this.#answer(attempt, stoppedResult(attempt, attempt.stopCause ?? 'timed_out'))
    }
  }

  /** Heartbeats said since the last call. */
  takeHeartbeats(): StepHeartbeat[] {
    if (this.#beats.size === 0) return []
    const alive = Array.from(this.#beats).filter((attempt) => attempt.result === undefined)
    const heartbeats = alive.map((attempt) => heartbeatOf(attempt, this.#ports.logger))
    this.#beats.clear()
    return heartbeats
  }

  abortAll(cause: StopCause): void {
    for (const attempt of this.#attempts.values()) if (attempt.result === undefined) attempt.abort(cause)
  }

  /** Answers for every handler that has not: the worker goes. */
  giveUp(): void {
    for (const attempt of this.#attempts.values()) this.#answer(attempt, stoppedResult(attempt, attempt.stopCause ?? 'stopped'))
  }

  #run(attempt: Attempt, command: StepCommand): void {
    const succeed = (value: unknown): void =>
      this.#tell(attempt, command, () => resultOf(attempt.ref, value, this.#resultBytesMax))
    const fail = (thrown: unknown): void => this.#fail(attempt, command, thrown)
    try {
      const handler = this.#ports.handlers.find(command)
      const context = new AttemptContext(command, attempt, this.#ports.logger, attempt.ref)
      const returned = handler instanceof Promise ? handler.then((found: Handler) => found(context)) : handler(context)
      if (!isThenable(returned)) return succeed(returned)
      returned.then(succeed, fail)
    } catch (thrown) {
      fail(thrown)
    }
  }

  #fail(attempt: Attempt, command: StepCommand, thrown: unknown): void {
    if (attempt.stopCause !== undefined && isAbort(thrown)) this.#answer(attempt, stoppedResult(attempt, attempt.stopCause))
    else this.#tell(attempt, command, () => failureResult(attempt.ref, fromUnknown(thrown)))
  }

  /** The result, with what its domain events need; a step that declares none is answered at once. */
  #tell(attempt: Attempt, command: StepCommand, make: () => StepResult): void {
    let result: StepResult
    try {
      result = make()
    } catch (thrown) {
      return this.#answer(attempt, failureResult(attempt.ref, fromUnknown(thrown)))
    }
    if (command.eventDeclarations.length === 0) return this.#answer(attempt, result)
    const { publishers, logger } = this.#ports
    const told = withEvents(result, { command, said: attempt.events, publishers, logger })
    if (!(told instanceof Promise)) return this.#answer(attempt, told)
    // Whatever goes wrong with the events, the result counts.
    told.then(
      (whole) => this.#answer(attempt, whole),
      () => this.#answer(attempt, result),
    )
  }

  // A handler may come back after its attempt was taken away or answered for: that is heard by nobody (W4).
  #answer(attempt: Attempt, result: StepResult): void {
    if (attempt.result !== undefined || this.#attempts.get(attempt.key) !== attempt) return
    attempt.end(result)
    this.#ports.onResult(result)
  }
}

const stoppedResult = (attempt: Attempt, cause: StopCause): StepResult => {
  switch (cause) {
    case 'cancelled':
      return cancelledResult(attempt.ref)
    case 'timed_out':
      return failureResult(attempt.ref, failureOf('STEP_TIMED_OUT', 'the handler did not end within its timeout', true))
    case 'stopped':
    case 'forgotten':
      return failureResult(attempt.ref, failureOf('WORKER_STOPPED', 'the worker stopped before the handler ended', true))
  }
}

const heartbeatOf = (attempt: Attempt, logger: Logger): StepHeartbeat => {
  const { progress } = attempt
  attempt.progress = undefined
  if (progress === undefined) return { ref: attempt.ref, progress: undefined }
  const serialized = serialize(progress)
  if (serialized.type === 'json' && serialized.data.length <= LIMITS.progressBytesMax) {
    return { ref: attempt.ref, progress: jsonPayload(serialized.data) }
  }
  logger.warn('the progress of a heartbeat is no JSON or too large, and was left out', { ...attempt.ref })
  return { ref: attempt.ref, progress: undefined }
}
