/** A domain event as it leaves: what its commit says of it, and the envelope that transports carry. */
import {
  type DomainEventRecorded,
  type EventDelivery,
  type Failure,
  type FastEvent,
  type Instant,
  instantText,
  type JsonText,
  jsonOf,
  sliceMembers,
  type TaskEvent,
  timeoutFailure,
  trustedJson,
} from '@tasker/core'
import { decodeTaskEvents } from '../log/codec.js'
import { DOMAIN_EVENT, type StoredCommit } from '../log/port.js'

export interface DomainMessage {
  /** The recorded event's id, `task_id:version`; of a fast one the id of the result, and its number behind it. */
  readonly eventId: string
  readonly name: string
  readonly namespace: string
  readonly taskId: string
  readonly stepId: string
  readonly attempt: number
  readonly outcome: DomainEventRecorded['outcome']
  readonly delivery: EventDelivery
  readonly correlationId: string
  /** `name@version`. */
  readonly template: string
  readonly at: Instant
  readonly payload: JsonText
  /** One JSON object of a publisher's. */
  readonly metadata: JsonText | undefined
}

/** Where a commit stands. */
export interface MessageSource {
  readonly taskId: string
  readonly namespace: string
  readonly at: Instant
  readonly firstVersion: number
}

/** The envelope's version, as the original Tasker names it. */
const ENVELOPE_VERSION = '1.0'

/** The domain events of a stored commit that are to be told. Throws for a commit that cannot be read. */
export const messagesIn = (commit: StoredCommit): readonly DomainMessage[] => {
  const { stream, namespace, at, firstVersion } = commit
  const events = decodeTaskEvents(commit).map(({ event }) => event)
  return recordedMessages(events, { taskId: stream.id, namespace, at, firstVersion })
}

/** The recorded ones among a commit's events; those that were refused are told to nobody. */
export const recordedMessages = (events: readonly TaskEvent[], source: MessageSource): readonly DomainMessage[] => {
  let cause: TaskEvent | undefined
  return events.flatMap((event, index) => {
    if (event.type !== DOMAIN_EVENT) {
      cause = event
      return []
    }
    if (event.problems !== undefined) return []
    return [messageOf(event, event.delivery, cause, `${source.taskId}:${source.firstVersion + index}`, source)]
  })
}

export const fastMessages = (
  fast: readonly FastEvent[],
  events: readonly TaskEvent[],
  source: MessageSource,
): readonly DomainMessage[] =>
  fast.map(({ cause, event }, index) => {
    const version = source.firstVersion + events.indexOf(cause)
    return messageOf(event, 'fast', cause, `${source.taskId}:${version}:${index + 1}`, source)
  })

/** The envelope as one JSON object; the payload is spliced byte for byte. */
export const envelopeText = (message: DomainMessage): JsonText => {
  const metadata = jsonOf({
    task_id: message.taskId,
    step_id: message.stepId,
    attempt: message.attempt,
    outcome: message.outcome,
    namespace: message.namespace,
    correlation_id: message.correlationId,
    fired_at: instantText(message.at),
    fired_by: message.template,
  })
  const head = `"event_id":${JSON.stringify(message.eventId)},"event_name":${JSON.stringify(message.name)}`
  return trustedJson(
    `{${head},"event_version":"${ENVELOPE_VERSION}","payload":${message.payload},"metadata":${withMembers(metadata, message.metadata)}}`,
  )
}

/** What a publisher adds stands behind what is always there, and never in its place. */
const withMembers = (base: JsonText, more: JsonText | undefined): string => {
  if (more === undefined) return base
  const known = sliceMembers(base)
  let text = base.slice(0, -1)
  for (const [name, value] of sliceMembers(more)) if (!known.has(name)) text += `,${JSON.stringify(name)}:${value}`
  return `${text}}`
}

const messageOf = (
  event: FastEvent['event'],
  delivery: EventDelivery,
  cause: TaskEvent | undefined,
  eventId: string,
  { taskId, namespace, at }: MessageSource,
): DomainMessage => ({
  eventId,
  name: event.name,
  namespace,
  taskId,
  stepId: event.step,
  attempt: event.attempt,
  outcome: event.outcome,
  delivery,
  correlationId: event.correlationId,
  template: event.template,
  at,
  payload: event.payload ?? payloadOf(cause),
  metadata: event.metadata,
})

/** What the event tells when nobody made anything else of it: the result. */
const payloadOf = (cause: TaskEvent | undefined): JsonText => {
  switch (cause?.type) {
    case 'step.completed':
      return cause.output
    case 'step.failed':
      return failureText(cause.failure)
    case 'step.timed_out':
      return failureText(timeoutFailure(cause.kind, cause.timeoutMs))
    default:
      return jsonOf(null)
  }
}

/** Without its stack, which is for the people of the worker. */
const failureText = ({ message, errorType, code, retryable }: Failure): JsonText =>
  jsonOf({ message, error_type: errorType, ...(code === undefined ? {} : { code }), retryable })
