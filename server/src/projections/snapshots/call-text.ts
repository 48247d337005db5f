/** The calls of a durable function as a snapshot keeps them: steps that its template does not list. */
import type { CallOf, LiveTask, RetryPolicy, StepId } from '@tasker/core'
import { flag, list, number, optional, record, text } from './coder.js'

export interface StoredCall {
  readonly step: StepId
  readonly call: CallOf
}

const retry = record<RetryPolicy>('retry', {
  retryable: flag,
  maxAttempts: number(),
  backoff: text(),
  baseMs: number(),
  maxDelayMs: number(),
  jitter: number(),
  nonRetryableErrors: list(text()),
})

export const call = record<StoredCall>('call', {
  step: text(),
  call: record<CallOf>('call_of', {
    key: text(),
    callable: text(),
    method: text(),
    input: text(),
    retry,
    timeoutMs: number(),
    heartbeatMs: optional(number()),
    scheduleToStartMs: optional(number()),
    scheduleToCloseMs: optional(number()),
    priority: number(),
  }),
})

/** In the order of the graph. */
export const storedCalls = ({ graph, plan, journal }: LiveTask): readonly StoredCall[] =>
  journal === undefined
    ? []
    : graph.steps.slice(plan.steps.length).flatMap(({ name, call: of }) => (of === undefined ? [] : [{ step: name, call: of }]))
