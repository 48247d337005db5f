/**
 * `Subscribe`: domain events from a cursor on, or live. A reader that is slow holds nothing up: by cursor the log is read at its pace, live what it
 * cannot take is dropped and counted.
 */
import { type DomainEvent, type SubscribeRequest, type SubscribeResponse, SubscriptionMode } from '@tasker/proto'
import type { DomainMessage } from '../engine/api.js'
import { Fault, type FaultDetail } from '../faults.js'
import { nameMatcher, patternProblem } from '../publishers/pattern.js'
import type { WritableCall } from './call.js'
import type { EngineDoor } from './door.js'
import { callStatus, faultOf } from './errors.js'
import { invalidFields, malformed } from './input-faults.js'
import type { OpenStream } from './open-streams.js'
import { payloadOf } from './payload.js'
import { cursorText, parseCursor } from './subscription-cursor.js'

export type SubscribeCall = WritableCall<SubscribeRequest, SubscribeResponse>

interface Subscription {
  readonly door: EngineDoor
  readonly call: SubscribeCall
  /** Called once, when the stream is over for any reason. */
  readonly ended: () => void
  stop: () => void
  over: boolean
}

/** Serves a subscription until it ends; `ended` is called once when it did. */
export const serveSubscription = (door: EngineDoor, call: SubscribeCall, ended: () => void): OpenStream => {
  const subscription: Subscription = { door, call, ended, stop: () => undefined, over: false }
  const failed = (error: unknown): void => end(subscription, faultOf(error, door.logger))
  call.on('cancelled', () => finish(subscription))
  begin(subscription, failed).catch(failed)
  return { end: (fault) => end(subscription, fault) }
}

const PATTERNS_MAX = 100
const PATTERN_CHARS_MAX = 255

const begin = async (subscription: Subscription, failed: (error: unknown) => void): Promise<void> => {
  const { call } = subscription
  if (call.request.type === 'malformed') throw new Fault(malformed(call.request.problem))
  const request = call.request.message
  const wanted = filterOf(request)
  if (request.mode === SubscriptionMode.SUBSCRIPTION_MODE_LIVE) followLive(subscription, wanted)
  else await followLog(subscription, await startOf(request, subscription.door), wanted, failed)
}

type Filter = (message: DomainMessage) => boolean

const filterOf = ({ namespace, patterns }: SubscribeRequest): Filter => {
  const tooMany = patterns.length > PATTERNS_MAX ? [`at most ${PATTERNS_MAX} patterns are taken`] : []
  const wrong = patterns.slice(0, PATTERNS_MAX).flatMap((pattern, index) => {
    const problem =
      pattern.length > PATTERN_CHARS_MAX ? `a pattern has more than ${PATTERN_CHARS_MAX} characters` : patternProblem(pattern)
    return problem === undefined ? [] : [{ code: 'OUT_OF_RANGE', path: `/patterns/${index}`, message: problem }]
  })
  const problems = [...tooMany.map((message) => ({ code: 'OUT_OF_RANGE', path: '/patterns', message })), ...wrong]
  if (problems.length > 0) throw new Fault(invalidFields(problems))
  const matches = nameMatcher(patterns)
  return (message) => (namespace === '' || message.namespace === namespace) && matches(message.name)
}

const startOf = async (request: SubscribeRequest, { engine }: EngineDoor): Promise<Map<number, number>> => {
  const { domainEvents } = engine
  if (request.cursor === '' && !request.fromBeginning) {
    const partitions = Array.from({ length: domainEvents.partitions }, (_, partition) => partition)
    return new Map(
      await Promise.all(partitions.map(async (partition) => [partition, await domainEvents.end(partition)] as const)),
    )
  }
  const cursor = parseCursor(request.cursor, domainEvents.partitions)
  if (cursor === undefined) throw new Fault(invalidCursor)
  return new Map(cursor)
}

const invalidCursor: FaultDetail = {
  code: 'INVALID_INPUT',
  reason: 'INVALID_CURSOR',
  message: 'the cursor is none that this server gave',
  hint: 'begin without a cursor',
  retryable: false,
}

const followLog = async (
  subscription: Subscription,
  cursor: Map<number, number>,
  wanted: Filter,
  failed: (error: unknown) => void,
): Promise<void> => {
  const { call, door } = subscription
  const { domainEvents } = door.engine
  const unread = new Set(Array.from({ length: domainEvents.partitions }, (_, partition) => partition))
  let pumping = false
  let full = !call.write({ events: [], cursor: cursorText(cursor), dropped: 0 })
  const isOver = (): boolean => subscription.over
  const pump = async (): Promise<void> => {
    if (pumping) return
    pumping = true
    while (!isOver() && !full) {
      const [partition] = unread
      if (partition === undefined) break
      unread.delete(partition)
      const page = await domainEvents.read(partition, cursor.get(partition) ?? 0)
      if (page === undefined || isOver()) continue
      unread.add(partition)
      cursor.set(partition, page.seq)
      const events = page.messages.filter(wanted).map(wireEvent)
      if (events.length > 0) full = !writePage(call, events, cursorText(cursor), door.limits.messageBytesTarget)
    }
    pumping = false
  }
  const go = (): void => void pump().catch(failed)
  subscription.stop = domainEvents.onNews((partition) => {
    unread.add(partition)
    go()
  })
  call.on('drain', () => {
    full = false
    go()
  })
  if (subscription.over) subscription.stop()
  else await pump()
}

/** The cursor stands in the last message of a page alone: before it the page is not wholly there. */
const writePage = (call: SubscribeCall, events: readonly DomainEvent[], cursor: string, bytesTarget: number): boolean => {
  let batch: DomainEvent[] = []
  let bytes = 0
  for (const event of events) {
    if (bytes > bytesTarget) {
      call.write({ events: batch, cursor: '', dropped: 0 })
      batch = []
      bytes = 0
    }
    batch.push(event)
    bytes += event.payload?.data.length ?? 0
  }
  return call.write({ events: batch, cursor, dropped: 0 })
}

const followLive = (subscription: Subscription, wanted: Filter): void => {
  const { call, door } = subscription
  let waiting: DomainEvent[] = []
  let dropped = 0
  let full = !call.write({ events: [], cursor: '', dropped: 0 })
  const flush = (): void => {
    if (full || waiting.length === 0) return
    const events = waiting
    waiting = []
    full = !call.write({ events, cursor: '', dropped })
    dropped = 0
  }
  subscription.stop = door.engine.domainEvents.listen((message) => {
    if (!wanted(message)) return true
    if (waiting.length >= door.limits.liveEventsWaitingMax) {
      dropped++
      return false
    }
    waiting.push(wireEvent(message))
    flush()
    return true
  })
  call.on('drain', () => {
    full = false
    flush()
  })
  if (subscription.over) subscription.stop()
}

const wireEvent = (message: DomainMessage): DomainEvent => ({
  eventId: message.eventId,
  name: message.name,
  namespace: message.namespace,
  taskId: message.taskId,
  stepId: message.stepId,
  attempt: message.attempt,
  outcome: message.outcome,
  deliveryMode: message.delivery,
  correlationId: message.correlationId,
  template: message.template,
  atMs: message.at,
  payload: payloadOf(message.payload),
  metadata: message.metadata === undefined ? undefined : payloadOf(message.metadata),
})

const end = (subscription: Subscription, fault: FaultDetail): void => {
  if (subscription.over) return
  subscription.call.emit('error', callStatus(fault))
  finish(subscription)
}

const finish = (subscription: Subscription): void => {
  if (subscription.over) return
  subscription.over = true
  subscription.stop()
  subscription.ended()
}
