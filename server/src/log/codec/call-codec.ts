/** The calls of a durable function as the log keeps them. */
import { type CallOf, durationMs, handlerName, type RetryPolicy, sliceMembers } from '@tasker/core'
import type { EventFields } from './event-fields.js'
import { optional } from './read-failure.js'

const BACKOFFS = ['none', 'linear', 'exponential', 'fibonacci'] as const

export const readCall = (f: EventFields): CallOf => ({
  key: f.text('key'),
  callable: handlerName(f.text('callable')),
  method: f.text('method'),
  input: f.raw('input'),
  retry: retryOf(f.inside('retry', sliceMembers)),
  timeoutMs: durationMs(f.number('timeoutMs')),
  ...optional('heartbeatMs', durationOf(f, 'heartbeatMs')),
  ...optional('scheduleToStartMs', durationOf(f, 'scheduleToStartMs')),
  ...optional('scheduleToCloseMs', durationOf(f, 'scheduleToCloseMs')),
  priority: f.number('priority'),
})

const durationOf = (f: EventFields, name: string) => {
  const ms = f.optionalNumber(name)
  return ms === undefined ? undefined : durationMs(ms)
}

const retryOf = (f: EventFields): RetryPolicy => ({
  retryable: f.flag('retryable'),
  maxAttempts: f.number('maxAttempts'),
  backoff: f.choice('backoff', BACKOFFS),
  baseMs: durationMs(f.number('baseMs')),
  maxDelayMs: durationMs(f.number('maxDelayMs')),
  jitter: f.number('jitter'),
  nonRetryableErrors: f.texts('nonRetryableErrors'),
})

/** A list; inputs are JSON text already. */
export const callsText = (calls: readonly CallOf[]): string =>
  `[${calls.map((call) => `${JSON.stringify({ ...call, input: undefined }).slice(0, -1)},"input":${call.input}}`).join(',')}]`
