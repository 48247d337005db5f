/** One worker's stream, from hello to its end: what it says goes to the engine's session, what the engine says comes back batched (W1 to W17). */
import type { ConnectRequest, ConnectResponse } from '@tasker/proto'
import { LIMITS } from '@tasker/core'
import type { WorkerSession } from '../engine/api.js'
import type { FaultDetail, InputProblem } from '../faults.js'
import { wireRef } from './attempt-ref.js'
import type { DuplexCall } from './call.js'
import type { Incoming } from './decoding.js'
import type { EngineDoor } from './door.js'
import { callStatus, faultOf } from './errors.js'
import type { OpenStream } from './open-streams.js'
import { hear, report } from './worker-hearing.js'
import { readHello, type ReadHello } from './worker-hello.js'
import { workerOutbox, type WorkerOutbox } from './worker-outbox.js'
import { inputTooLarge, workerPort } from './worker-port.js'

export type WorkerCall = DuplexCall<ConnectRequest, ConnectResponse>

interface WorkerStream {
  readonly door: EngineDoor
  readonly call: WorkerCall
  readonly outbox: WorkerOutbox
  /** Called once, when the stream is over for any reason. */
  readonly ended: () => void
  session: WorkerSession | undefined
  /** The engine closed it, and so needs not hear that it broke. */
  givenUp: boolean
  over: boolean
}

/** Serves a stream until it ends; `ended` is called once when it did. */
export const serveWorker = (door: EngineDoor, call: WorkerCall, ended: () => void): OpenStream => {
  const stream: WorkerStream = {
    door,
    call,
    ended,
    session: undefined,
    givenUp: false,
    over: false,
    outbox: outboxOf(door, call, () => stream),
  }
  const guarded = (act: () => void): void => {
    try {
      act()
    } catch (error) {
      end(stream, faultOf(error, door.logger))
    }
  }
  call.on('data', (incoming: Incoming<ConnectRequest>) => guarded(() => receive(stream, incoming)))
  call.on('drain', () => guarded(() => stream.outbox.drained()))
  call.on('cancelled', () => guarded(() => finish(stream)))
  call.on('end', () => guarded(() => halfClosed(stream)))
  return { end: (fault) => end(stream, fault) }
}

const outboxOf = (door: EngineDoor, call: WorkerCall, stream: () => WorkerStream): WorkerOutbox =>
  workerOutbox({
    write: (message) => call.write(message),
    overflowed: () => end(stream(), slowConsumer(door.limits.workerOutboxItemsMax)),
    // The engine is not called back from within its own call.
    unsendable: (command, bytes) => process.nextTick(() => stream().session?.result(inputTooLarge(command, bytes))),
    itemsMax: door.limits.workerOutboxItemsMax,
    messageBytesTarget: door.limits.messageBytesTarget,
    messageBytesMax: LIMITS.grpcMessageBytesMax,
  })

const receive = (stream: WorkerStream, incoming: Incoming<ConnectRequest>): void => {
  const { outbox, session } = stream
  if (stream.over) return
  if (session === undefined) return greet(stream, incoming)
  session.heard()
  if (incoming.type === 'malformed') report(outbox, 'MALFORMED_MESSAGE', `a message could not be read: ${incoming.problem}`)
  else {
    if (incoming.message.hello !== undefined) report(outbox, 'HELLO_AGAIN', 'a hello was said already; this one was not read')
    hear(session, outbox, incoming.message, stream.door.limits)
  }
  outbox.flush()
}

/** W1: the first message. */
const greet = (stream: WorkerStream, incoming: Incoming<ConnectRequest>): void => {
  const { door, outbox } = stream
  const read = firstHello(incoming, door)
  if (read.type === 'unusable') return end(stream, unusableHello(read.problems))
  const session = door.engine.connect(
    read.hello,
    workerPort(outbox, (fault) => {
      stream.givenUp = true
      end(stream, fault)
    }),
  )
  // It may have ended while the engine connected it.
  if (stream.over) return stream.givenUp ? undefined : session.disconnected()
  stream.session = session
  outbox.open({
    serverId: door.serverId,
    heartbeatIntervalMs: door.workerTimes.heartbeatIntervalMs,
    graceMs: door.workerTimes.graceMs,
    silenceMs: door.workerTimes.silenceMs,
    resultBytesMax: LIMITS.resultBytesMax,
    forgotten: [...session.forgotten.map(wireRef), ...read.nonsense],
  })
  if (incoming.type === 'message' && saysMore(incoming.message)) {
    report(outbox, 'HELLO_NOT_ALONE', 'the first message carried more than its hello; the rest was read all the same')
    hear(session, outbox, incoming.message, door.limits)
    outbox.flush()
  }
}

const saysMore = (message: ConnectRequest): boolean =>
  message.results.length > 0 ||
  message.heartbeats.length > 0 ||
  message.records.length > 0 ||
  message.journalsWanted.length > 0 ||
  message.drain !== undefined

const firstHello = (incoming: Incoming<ConnectRequest>, door: EngineDoor): ReadHello => {
  if (incoming.type === 'malformed')
    return { type: 'unusable', problems: [{ code: 'WRONG_TYPE', path: '', message: incoming.problem }] }
  const { hello } = incoming.message
  if (hello === undefined)
    return { type: 'unusable', problems: [{ code: 'MISSING_FIELD', path: '/hello', message: 'the first message has no hello' }] }
  return readHello(hello, door.limits)
}

/** The worker closed its side: after a drain, or because it goes. */
const halfClosed = (stream: WorkerStream): void => {
  if (stream.over) return
  stream.call.end()
  finish(stream)
}

const end = (stream: WorkerStream, fault: FaultDetail): void => {
  if (stream.over) return
  stream.call.emit('error', callStatus(fault))
  finish(stream)
}

const finish = (stream: WorkerStream): void => {
  if (stream.over) return
  stream.over = true
  stream.outbox.close()
  stream.ended()
  if (!stream.givenUp) stream.session?.disconnected()
}

const unusableHello = (problems: readonly InputProblem[]): FaultDetail => ({
  code: 'INVALID_INPUT',
  reason: 'HELLO_UNUSABLE',
  message: `the first message has no usable hello: ${problems.map(({ message }) => message).join('; ')}`,
  errors: problems,
  hint: 'see rules W1 and W2 in tasker/v1/worker.proto',
})

const slowConsumer = (itemsMax: number): FaultDetail => ({
  code: 'BACKPRESSURE',
  reason: 'SLOW_CONSUMER',
  message: `the worker does not read its stream: more than ${itemsMax} items wait for it`,
  retryable: true,
})
