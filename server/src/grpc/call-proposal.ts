/** A call that the run of a durable function asks for (W35): what it does not say is as the steps of templates have it. */
import { type Backoff, type CallOf, DEFAULT_RETRY_POLICY, durationMs, handlerName, LIMITS, type RetryPolicy } from '@tasker/core'
import type { CallRetry, JournalCall } from '@tasker/proto'
import { cut } from './failure.js'
import { jsonFrom, Unreadable } from './record-values.js'

const BACKOFFS: readonly Backoff[] = ['none', 'linear', 'exponential', 'fibonacci']
const METHOD_DEFAULT = 'call'

/** Throws `Unreadable`. */
export const callFrom = (key: string, wire: JournalCall): CallOf => {
  const { heartbeatMs, scheduleToStartMs, scheduleToCloseMs, priority, timeoutMs } = wire
  if (Math.abs(priority) > LIMITS.priorityMax)
    throw unread(key, `its priority is from ${-LIMITS.priorityMax} to ${LIMITS.priorityMax}`)
  return {
    key,
    ...handlerOf(wire.handler),
    input: jsonFrom(wire.input, LIMITS.contextBytesMax, `the input of the call ${key}`),
    retry: retryOf(key, wire.retry),
    timeoutMs: timeoutMs === 0 ? LIMITS.stepTimeoutMsDefault : durationMs(timeoutMs),
    ...(heartbeatMs === 0 ? {} : { heartbeatMs: durationMs(heartbeatMs) }),
    ...(scheduleToStartMs === 0 ? {} : { scheduleToStartMs: waitOf(scheduleToStartMs) }),
    ...(scheduleToCloseMs === 0 ? {} : { scheduleToCloseMs: waitOf(scheduleToCloseMs) }),
    priority,
  }
}

/** Longer waits than a calendar has instants for are as long as that. */
const WAIT_MS_MAX = 100 * 366 * 24 * 60 * 60 * 1_000

const waitOf = (ms: number) => durationMs(Math.min(ms, WAIT_MS_MAX))

const CONTROL = /\p{Cc}/u

/** `callable#method`, or a callable alone. */
const handlerOf = (handler: string): Pick<CallOf, 'callable' | 'method'> => {
  const mark = handler.lastIndexOf('#')
  const [callable, method] = mark === -1 ? [handler, METHOD_DEFAULT] : [handler.slice(0, mark), handler.slice(mark + 1)]
  for (const name of [callable, method]) {
    const isGood = name !== '' && name.length <= LIMITS.nameCharsMax && !CONTROL.test(name) && name.isWellFormed()
    if (!isGood)
      throw new Unreadable(
        'BAD_NAME',
        `the handler of a call has 1 to ${LIMITS.nameCharsMax} characters, none of them a control character`,
      )
  }
  return { callable: handlerName(callable), method }
}

const retryOf = (key: string, retry: CallRetry | undefined): RetryPolicy => {
  if (retry === undefined) return DEFAULT_RETRY_POLICY
  const { maxAttempts, baseMs, maxDelayMs, jitter = DEFAULT_RETRY_POLICY.jitter, nonRetryableErrors } = retry
  if (!(jitter >= 0 && jitter <= 1)) throw unread(key, 'the jitter of its policy is from 0 to 1')
  return {
    retryable: true,
    maxAttempts: maxAttempts === 0 ? DEFAULT_RETRY_POLICY.maxAttempts : Math.min(maxAttempts, LIMITS.retryAttemptsMax),
    backoff: backoffOf(key, retry.backoff),
    baseMs: baseMs === undefined ? DEFAULT_RETRY_POLICY.baseMs : delayOf(baseMs),
    maxDelayMs: maxDelayMs === undefined ? DEFAULT_RETRY_POLICY.maxDelayMs : delayOf(maxDelayMs),
    jitter,
    nonRetryableErrors: nonRetryableErrors.map((name) => cut(name, LIMITS.nameCharsMax)),
  }
}

const delayOf = (ms: number) => durationMs(Math.min(ms, LIMITS.retryDelayMsMax))

const backoffOf = (key: string, given: string): Backoff => {
  if (given === '') return DEFAULT_RETRY_POLICY.backoff
  const known = BACKOFFS.find((backoff) => backoff === given)
  if (known === undefined) throw unread(key, `the backoff of its policy is one of ${BACKOFFS.join(', ')}`)
  return known
}

const unread = (key: string, why: string): Unreadable =>
  new Unreadable('RECORD_NOT_READ', `the call ${key} cannot be made: ${why}`)
