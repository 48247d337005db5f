/** What may be said with a call, checked where it is said: the server would refuse it, and nobody would know the line. */
import { durationMs } from '../duration.js'
import { LIMITS } from '../limits.js'
import { refused } from './misuse.js'
import type { CallOptions, OperationRetry } from './options.js'

/** Throws `BAD_DURATION` or `INVALID_COUNT`. */
export const checkCall = ({
  timeout,
  heartbeat,
  scheduleToStart,
  scheduleToClose,
  priority = 0,
  retry = {},
}: CallOptions): void => {
  for (const duration of [timeout, heartbeat, retry.backoffBase, retry.maxBackoff]) {
    if (duration === undefined || durationMs(duration) <= LIMITS.callMsMax) continue
    throw refused('BAD_DURATION', `a call takes times up to ${LIMITS.callMsMax} ms, not ${JSON.stringify(duration)}`)
  }
  for (const duration of [scheduleToStart, scheduleToClose]) if (duration !== undefined) durationMs(duration)
  const { priorityMax } = LIMITS
  if (!Number.isSafeInteger(priority) || Math.abs(priority) > priorityMax)
    throw refused(
      'INVALID_COUNT',
      `the priority of a call is a whole number from ${-priorityMax} to ${priorityMax}, not ${priority}`,
    )
  checkRetry(retry)
}

const checkRetry = ({ maxAttempts = 1, jitter = 0 }: OperationRetry): void => {
  if (!Number.isSafeInteger(maxAttempts) || maxAttempts < 1 || maxAttempts > LIMITS.retryAttemptsMax)
    throw refused('INVALID_COUNT', `a call has from 1 to ${LIMITS.retryAttemptsMax} attempts, not ${maxAttempts}`)
  if (!(jitter >= 0 && jitter <= 1)) throw refused('INVALID_COUNT', `the jitter of a policy is from 0 to 1, not ${jitter}`)
}
