/** What a worker says of the domain events of an attempt beside its result (W18): payloads, metadata, what is withheld, and what went wrong. */
import type { EventDeclaration, GivenEvent, StepCommand, StepResult } from '@tasker/proto'
import type { Logger } from '../logger.js'
import { serialize } from '../step/json.js'
import { jsonPayload, jsonValue, payloadValue } from '../step/payload.js'
import type { EventPublisher, EventToPublish, PublishedOutcome } from './event-publisher.js'

/** What a handler gave to `publish` for one event. */
export interface HandlerEvent {
  readonly payload: unknown
  readonly metadata: unknown
}

export type Publishers = ReadonlyMap<string, EventPublisher>

export interface EventSource {
  readonly command: StepCommand
  /** By name; the last word for a name counts. */
  readonly said: ReadonlyMap<string, HandlerEvent> | undefined
  readonly publishers: Publishers
  readonly logger: Logger
}

/** The result with its events; the same result where there is nothing to say, a promise only where a publisher makes one. */
export const withEvents = (result: StepResult, source: EventSource): StepResult | Promise<StepResult> => {
  const outcome = outcomeOf(result)
  const asked = source.command.eventDeclarations.filter((declared) => isAsked(declared, source))
  if (outcome === undefined || asked.length === 0) return result
  const told = asked.filter(({ condition }) => maySpeakOf(condition, outcome))
  return Promise.all(told.map((declared) => givenEvent(declared, outcome, source))).then((events) => ({
    ...result,
    // A name may stand in two declarations; what is given for it is given once.
    events: [...new Map(events.map((event) => [event.name, event])).values()],
  }))
}

const isAsked = ({ name, publisher }: EventDeclaration, { said }: EventSource): boolean =>
  publisher !== '' || said?.has(name) === true

const maySpeakOf = (condition: string, outcome: PublishedOutcome): boolean =>
  condition === 'always' || (condition === 'success') === (outcome.type === 'success')

const outcomeOf = ({ outcome }: StepResult): PublishedOutcome | undefined => {
  switch (outcome?.$case) {
    case 'success':
      return { type: 'success', result: payloadValue(outcome.value) }
    case 'decision':
    case 'batches':
      return { type: 'success', result: payloadValue(outcome.value.output) }
    case 'failure': {
      const { message, errorType, code, retryable } = outcome.value
      return { type: 'failure', failure: { message, errorType, code, retryable } }
    }
    case 'cancelled':
    case 'checkpoint':
    case undefined:
      return undefined
  }
}

const NOTHING: Omit<GivenEvent, 'name'> = { payload: undefined, metadata: undefined, withheld: false, problem: '' }

const givenEvent = async (declared: EventDeclaration, outcome: PublishedOutcome, source: EventSource): Promise<GivenEvent> => {
  const { name } = declared
  const said = source.said?.get(name)
  const fallback = outcome.type === 'success' ? outcome.result : outcome.failure
  const event = eventOf(name, outcome, said === undefined ? fallback : said.payload, source.command)
  if (declared.publisher === '') return written(name, event.payload, said?.metadata)
  const publisher = source.publishers.get(declared.publisher)
  if (publisher === undefined) {
    source.logger.warn('a domain event asks for a publisher this worker does not have', {
      event: name,
      publisher: declared.publisher,
    })
    return { ...NOTHING, name, problem: `this worker has no publisher ${declared.publisher}` }
  }
  try {
    return await published(publisher, event, said)
  } catch (error) {
    source.logger.warn('a publisher failed; its event is recorded as refused', {
      event: name,
      publisher: publisher.name,
      error: wordOf(error),
    })
    await told(() => publisher.onPublishError?.(error, event), source.logger)
    return { ...NOTHING, name, problem: `the publisher ${publisher.name} failed: ${wordOf(error)}` }
  }
}

const published = async (
  publisher: EventPublisher,
  event: EventToPublish,
  said: HandlerEvent | undefined,
): Promise<GivenEvent> => {
  const wanted = (await publisher.shouldPublish?.(event)) ?? true
  if (!wanted) return { ...NOTHING, name: event.name, withheld: true }
  await publisher.beforePublish?.(event)
  const payload: unknown = publisher.transformPayload === undefined ? event.payload : await publisher.transformPayload(event)
  const metadata = (await publisher.additionalMetadata?.(event)) ?? said?.metadata
  const given = written(event.name, payload, metadata)
  if (given.payload !== undefined) await publisher.afterPublish?.(event, jsonValue(given.payload))
  return given
}

const eventOf = (name: string, outcome: PublishedOutcome, payload: unknown, command: StepCommand): EventToPublish => ({
  name,
  taskId: command.ref?.taskId ?? '',
  stepId: command.ref?.stepId ?? '',
  attempt: command.ref?.attempt ?? 0,
  correlationId: command.correlationId,
  input: payloadValue(command.input),
  outcome,
  payload,
})

const written = (name: string, payload: unknown, metadata: unknown): GivenEvent => {
  const body = serialize(payload)
  if (body.type !== 'json') return { ...NOTHING, name, problem: `the payload at ${body.problem.path} is ${body.problem.what}` }
  const more = metadata === undefined ? undefined : serialize(metadata)
  if (more?.type === 'unserializable')
    return { ...NOTHING, name, problem: `the metadata at ${more.problem.path} is ${more.problem.what}` }
  return {
    ...NOTHING,
    name,
    payload: jsonPayload(body.data),
    metadata: more === undefined ? undefined : jsonPayload(more.data),
  }
}

/** A hook that is told of a failure may fail itself. */
const told = async (hook: () => unknown, logger: Logger): Promise<void> => {
  try {
    await hook()
  } catch (error) {
    logger.warn('onPublishError failed', { error: wordOf(error) })
  }
}

const wordOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
