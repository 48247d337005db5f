/** What a function asks for, as the wire carries it. */
import type { JournalOutcome, JournalProposal, JournalUpdateAnswer, Payload } from '@tasker/proto'
import type { Outcome } from '../durable/entries.js'
import type { OperationRetry } from '../durable/options.js'
import type { CallHandler, Command, RunStep } from '../durable/port.js'
import { durationMs, type Duration } from '../duration.js'
import { jsonPayload } from '../step/payload.js'

export type Proposed = Exclude<Command, RunStep>

export const textPayload = (text: string): Payload => jsonPayload(Buffer.from(text))

export const proposalOf = (command: Proposed): JournalProposal => ({ key: command.key, proposal: bodyOf(command) })

const bodyOf = (command: Proposed): JournalProposal['proposal'] => {
  switch (command.type) {
    case 'timer':
      return { $case: 'timer', value: { forSignal: command.kind === 'signal', dueAtMs: Math.max(0, Math.round(command.dueAt)) } }
    case 'cancel':
      return { $case: 'cancel', value: {} }
    case 'patch':
      return { $case: 'patch', value: {} }
    case 'state':
      return { $case: 'state', value: textPayload(command.value) }
    case 'send': {
      const { taskId, signal, payload } = command
      return { $case: 'send', value: { taskId, name: signal, payload: textPayload(payload) } }
    }
    case 'answer': {
      const { key: id, outcome } = command
      const value = outcome.type === 'succeeded' ? textPayload(outcome.result) : outcome.failure
      return { $case: 'answer', value: { id, outcome: { $case: outcome.type, value } as JournalUpdateAnswer['outcome'] } }
    }
    case 'call':
      return { $case: 'call', value: callOf(command) }
    case 'child': {
      const { namespace, name, version, input, onParentClose } = command
      const abandoned = onParentClose === 'abandon'
      return { $case: 'child', value: { namespace, name, version, input: textPayload(input), abandoned } }
    }
  }
}

const callOf = ({ target, input, options }: CallHandler) => ({
  handler: target,
  input: textPayload(input),
  timeoutMs: msOf(options.timeout),
  retry: options.retry === undefined ? undefined : retryOf(options.retry),
  heartbeatMs: msOf(options.heartbeat),
  scheduleToStartMs: msOf(options.scheduleToStart),
  scheduleToCloseMs: msOf(options.scheduleToClose),
  priority: options.priority ?? 0,
})

/** 0 where nothing is said; a time of nothing would be over before it began, so the least is a millisecond. */
const msOf = (duration: Duration | undefined): number => (duration === undefined ? 0 : Math.max(1, durationMs(duration)))

/** Nothing, or 0 attempts, where the default of templates is meant. */
const retryOf = (retry: OperationRetry) => ({
  maxAttempts: retry.retryable === false ? 1 : (retry.maxAttempts ?? 0),
  backoff: retry.backoff ?? '',
  baseMs: retry.backoffBase === undefined ? undefined : durationMs(retry.backoffBase),
  maxDelayMs: retry.maxBackoff === undefined ? undefined : durationMs(retry.maxBackoff),
  nonRetryableErrors: [...(retry.nonRetryableErrors ?? [])],
  jitter: retry.jitter,
})

/** A step of the function ended here. */
export const stepProposal = (key: string, outcome: Outcome): JournalProposal => ({
  key,
  proposal: { $case: 'step', value: { outcome: outcomeOf(outcome) } },
})

const outcomeOf = (outcome: Outcome): JournalOutcome['outcome'] => {
  switch (outcome.type) {
    case 'succeeded':
      return { $case: 'succeeded', value: textPayload(outcome.result) }
    case 'failed':
      return { $case: 'failed', value: outcome.failure }
    case 'cancelled':
      return { $case: 'cancelled', value: {} }
  }
}

/** About how many bytes a proposal takes. */
export const proposalBytes = ({ key, proposal }: JournalProposal): number => {
  if (proposal?.$case !== 'step') return BYTES_BASE + key.length
  const { outcome } = proposal.value
  return BYTES_BASE + key.length + (outcome?.$case === 'succeeded' ? outcome.value.data.length : 0)
}

const BYTES_BASE = 128
