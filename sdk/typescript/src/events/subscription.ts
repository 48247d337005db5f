/**
 * Following domain events: one subscription that is opened again whenever it is lost, and hands events to a handler one after another.
 *
 * S1  By cursor: the cursor moves, and is saved, when every event before it is handled. What was not handled comes again after a reconnect.
 * S2  By cursor a handler that fails is asked again, after a wait that grows; the events behind it wait, so order is kept.
 * S3  Live: a handler that fails is told of, and the next event comes.
 */
import { type DomainEvent as WireEvent, type SubscribeRequest, type SubscribeResponse, SubscriptionMode } from '@tasker/proto'
import type { Clock } from '../clock.js'
import { TaskerError } from '../errors/tasker-error.js'
import type { Logger } from '../logger.js'
import { payloadValue } from '../step/payload.js'
import { reconnectMs } from '../wire/link.js'
import type { Transport } from '../wire/transport.js'

/** One domain event, as a subscriber is given it. */
export interface DomainEvent {
  /** Known again when it comes again. */
  readonly eventId: string
  readonly name: string
  readonly namespace: string
  readonly taskId: string
  readonly stepId: string
  readonly attempt: number
  readonly outcome: 'success' | 'retryable_failure' | 'permanent_failure'
  readonly deliveryMode: 'durable' | 'fast' | 'broadcast'
  readonly correlationId: string
  /** `name@version` of the template. */
  readonly template: string
  readonly at: Date
  readonly payload: unknown
  /** What a publisher added. */
  readonly metadata: unknown
}

export type DomainEventHandler = (event: DomainEvent) => unknown

export interface SubscriptionPorts {
  readonly transport: Transport
  readonly clock: Clock
  readonly logger: Logger
  readonly namespace: string
  readonly patterns: readonly string[]
  readonly handler: DomainEventHandler
  readonly mode: 'cursor' | 'live'
  /** Where to begin; undefined begins at the end. */
  readonly start: () => Promise<{ readonly cursor: string } | 'beginning' | undefined>
  readonly save: (cursor: string) => unknown
  /** The server follows: what comes from now on is met. */
  readonly onFollowing: () => void
}

/** Follows until the signal aborts; rejects with a `TaskerError` that no repeat will cure, such as a pattern that is none. */
export const follow = async (ports: SubscriptionPorts, signal: AbortSignal): Promise<void> => {
  const { transport, clock, logger } = ports
  let place = await ports.start()
  const isOver = (): boolean => signal.aborted
  for (let failures = 0; !isOver(); failures++) {
    try {
      for await (const message of transport.subscribe(requestOf(ports, place), signal)) {
        failures = 0
        ports.onFollowing()
        await handleAll(message, ports, signal)
        if (isOver()) return
        if (message.dropped > 0)
          logger.warn('live domain events were dropped: the handlers are too slow', { dropped: message.dropped })
        if (message.cursor === '') continue
        if (message.events.length > 0 || place === undefined) await ports.save(message.cursor)
        place = { cursor: message.cursor }
      }
    } catch (error) {
      if (!(error instanceof TaskerError && error.retryable)) throw error
      logger.warn('the subscription to domain events is lost and will be opened again', { error: error.message })
    }
    await pause(reconnectMs(failures, clock.draw()), clock, signal)
  }
}

const requestOf = (
  { namespace, patterns, mode }: SubscriptionPorts,
  place: { readonly cursor: string } | 'beginning' | undefined,
): SubscribeRequest => ({
  namespace,
  patterns: [...patterns],
  mode: mode === 'live' ? SubscriptionMode.SUBSCRIPTION_MODE_LIVE : SubscriptionMode.SUBSCRIPTION_MODE_CURSOR,
  cursor: typeof place === 'object' ? place.cursor : '',
  fromBeginning: place === 'beginning',
})

const handleAll = async (message: SubscribeResponse, ports: SubscriptionPorts, signal: AbortSignal): Promise<void> => {
  for (const wire of message.events) {
    if (signal.aborted) return
    await handle(eventOf(wire), ports, signal)
  }
}

/** S2, S3. */
const handle = async (
  event: DomainEvent,
  { handler, mode, logger, clock }: SubscriptionPorts,
  signal: AbortSignal,
): Promise<void> => {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      await handler(event)
      return
    } catch (error) {
      const word = error instanceof Error ? error.message : String(error)
      logger.error('a handler of domain events failed', { event: event.name, eventId: event.eventId, error: word })
      if (mode === 'live') return
    }
    await pause(reconnectMs(failures, clock.draw()), clock, signal)
  }
}

const OUTCOMES = ['success', 'retryable_failure', 'permanent_failure'] as const
const DELIVERIES = ['durable', 'fast', 'broadcast'] as const

const eventOf = (wire: WireEvent): DomainEvent => ({
  eventId: wire.eventId,
  name: wire.name,
  namespace: wire.namespace,
  taskId: wire.taskId,
  stepId: wire.stepId,
  attempt: wire.attempt,
  outcome: OUTCOMES.find((outcome) => outcome === wire.outcome) ?? 'success',
  deliveryMode: DELIVERIES.find((delivery) => delivery === wire.deliveryMode) ?? 'durable',
  correlationId: wire.correlationId,
  template: wire.template,
  at: new Date(wire.atMs),
  payload: payloadValue(wire.payload),
  metadata: wire.metadata === undefined ? undefined : payloadValue(wire.metadata),
})

const pause = (waitMs: number, clock: Clock, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const callOff = clock.after(waitMs, end)
    function end(): void {
      callOff()
      signal.removeEventListener('abort', end)
      resolve()
    }
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
  })
