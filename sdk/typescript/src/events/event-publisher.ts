/** Publishers: what makes the payload of a domain event where its template names one. */
import type { JsonObject, JsonValue } from '../step/json.js'

/** How the attempt ended that the event tells of. Whether a failure is retried is the server's decision. */
export type PublishedOutcome =
  | { readonly type: 'success'; readonly result: unknown }
  | {
      readonly type: 'failure'
      readonly failure: {
        readonly message: string
        readonly errorType: string
        readonly code: string
        readonly retryable: boolean
      }
    }

/** One event that is about to be told. */
export interface EventToPublish {
  readonly name: string
  readonly taskId: string
  readonly stepId: string
  readonly attempt: number
  readonly correlationId: string
  /** The task's context. */
  readonly input: unknown
  readonly outcome: PublishedOutcome
  /** What would be told without this publisher: what the handler gave to `publish`, or the result, or the failure. */
  readonly payload: unknown
}

/**
 * The publisher of events whose template says `publisher: <name>`. Offer it to the worker in `publishers`. Every hook may be left out, and may be
 * asynchronous. One that throws never fails the step: the event is recorded as refused, with the reason, and told to nobody.
 */
export abstract class EventPublisher {
  /** As the template calls it. */
  abstract readonly name: string

  /** False: there is nothing to tell this time. */
  shouldPublish?(event: EventToPublish): boolean | Promise<boolean>

  /** What is told; the payload as it is when there is no such hook. */
  transformPayload?(event: EventToPublish): unknown

  /** Stands in the envelope's metadata, behind what is always there. */
  additionalMetadata?(event: EventToPublish): JsonObject | undefined | Promise<JsonObject | undefined>

  beforePublish?(event: EventToPublish): void | Promise<void>

  /** The event is on its way to the server, together with the result. */
  afterPublish?(event: EventToPublish, payload: JsonValue): void | Promise<void>

  onPublishError?(error: unknown, event: EventToPublish): void | Promise<void>
}
