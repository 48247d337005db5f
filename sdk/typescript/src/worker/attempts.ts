/** The attempts a worker has: each is run once by its key (W7), ends in one result (W4), and is kept until that is acknowledged (W5). */
import type { AttemptRef, StepCommand, StepHeartbeat, StepResult } from '@tasker/proto'
import type { Clock } from '../clock.js'
import { failureOf, fromUnknown, isAbort } from '../errors/failure.js'
import { LIMITS } from '../limits.js'
import type { Logger } from '../logger.js'
import { AttemptContext } from '../step/context.js'
import { serialize } from '../step/json.js'
import { jsonPayload } from '../step/payload.js'
import { Attempt, attemptKey, type StopCause } from './attempt.js'
import { handlerName, type Handlers } from './handlers.js'
import { cancelledResult, failureResult, successResult } from './result.js'

export interface AttemptsPorts {
  readonly handlers: Handlers
  readonly clock: Clock
  readonly logger: Logger
  /** A result is there to be sent. */
  readonly onResult: (result: StepResult) => void
}

export interface Attempts {
  /** How many run or hold a result. */
  size(): number
  /** The server's bound of a result. */
  setResultBytesMax(bytes: number): void
  start(command: StepCommand): void
  /** The server has what it wants: the attempt is forgotten (W5). */
  acknowledged(ref: AttemptRef): void
  /** W10. */
  cancel(ref: AttemptRef): void
  /** Not ours any more: aborted, and no result is sent (W9). */
  forget(ref: AttemptRef): void
  /** For `hello.running`. */
  refs(): AttemptRef[]
  /** What is sent again after a reconnect, the attempt that started first before the others. */
  unacknowledged(): StepResult[]
  /** Aborts what is over its time, answers for handlers that do not hear. */
  sweep(nowMs: number): void
  /** Heartbeats said since the last call. */
  takeHeartbeats(): StepHeartbeat[]
  abortAll(cause: StopCause): void
  /** Answers for every handler that has not: the worker goes. */
  giveUp(): void
}

export const createAttempts = (ports: AttemptsPorts): Attempts => {
  const attempts = new Map<string, Attempt>()
  const beats = new Set<Attempt>()
  let resultBytesMax: number = LIMITS.resultBytesMax

  const answer = (attempt: Attempt, result: StepResult): void => {
    // A handler may come back after its attempt was taken away or answered for.
    if (attempt.result !== undefined || attempts.get(attempt.key) !== attempt) return
    attempt.result = result
    ports.onResult(result)
  }

  const succeed = (attempt: Attempt, value: unknown): void => answer(attempt, successResult(attempt.ref, value, resultBytesMax))

  const fail = (attempt: Attempt, thrown: unknown): void => {
    if (attempt.stopCause !== undefined && isAbort(thrown)) answer(attempt, stoppedResult(attempt, attempt.stopCause))
    else answer(attempt, failureResult(attempt.ref, fromUnknown(thrown)))
  }

  const run = (attempt: Attempt, command: StepCommand): void => {
    const handler = ports.handlers.get(handlerName(command))
    if (handler === undefined) {
      const message = `this worker has no handler ${handlerName(command)}`
      return answer(attempt, failureResult(attempt.ref, failureOf('HANDLER_NOT_FOUND', message, true)))
    }
    try {
      const returned = handler(new AttemptContext(command, attempt, ports.logger, attempt.ref))
      if (!isThenable(returned)) return succeed(attempt, returned)
      returned.then(
        (value) => succeed(attempt, value),
        (thrown: unknown) => fail(attempt, thrown),
      )
    } catch (thrown) {
      fail(attempt, thrown)
    }
  }

  return {
    size: () => attempts.size,
    setResultBytesMax: (bytes) => {
      resultBytesMax = bytes
    },
    start: (command) => {
      const { ref } = command
      if (ref === undefined) return ports.logger.warn('the server sent a command that names no attempt')
      const key = attemptKey(ref)
      if (attempts.has(key)) return
      const deadlineAtMs = command.timeoutMs === 0 ? Infinity : ports.clock.nowMs() + command.timeoutMs
      const attempt = new Attempt(key, ref, deadlineAtMs, beats)
      attempts.set(key, attempt)
      run(attempt, command)
    },
    acknowledged: (ref) => void attempts.delete(attemptKey(ref)),
    cancel: (ref) => attempts.get(attemptKey(ref))?.abort('cancelled'),
    forget: (ref) => {
      const attempt = attempts.get(attemptKey(ref))
      attempts.delete(attemptKey(ref))
      attempt?.abort('forgotten')
    },
    refs: () => Array.from(attempts.values(), (attempt) => attempt.ref),
    unacknowledged: () => Array.from(attempts.values()).flatMap((attempt) => attempt.result ?? []),
    sweep: (nowMs) => {
      for (const attempt of attempts.values()) {
        if (attempt.result !== undefined || nowMs < attempt.deadlineAtMs) continue
        attempt.abort('timed_out')
        if (nowMs < attempt.deadlineAtMs + LIMITS.overrunMs) continue
        ports.logger.warn('a handler goes on after its timeout and does not heed its signal', { ...attempt.ref })
        answer(attempt, stoppedResult(attempt, attempt.stopCause ?? 'timed_out'))
      }
    },
    takeHeartbeats: () => {
      const heartbeats = Array.from(beats, (attempt) => heartbeatOf(attempt, ports.logger))
      beats.clear()
      return heartbeats
    },
    abortAll: (cause) => {
      for (const attempt of attempts.values()) if (attempt.result === undefined) attempt.abort(cause)
    },
    giveUp: () => {
      for (const attempt of attempts.values()) answer(attempt, stoppedResult(attempt, attempt.stopCause ?? 'stopped'))
    },
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'

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
