/** One client's session: batched submissions and watches in, their answers out (C1 to C5). */
import type { SessionRequest, SessionResponse, SubmitRequest, SubmitResponse } from '@tasker/proto'
import { parseTaskId, type TaskId } from '@tasker/core'
import type { SubmitAnswer } from '../engine/api.js'
import type { FaultDetail } from '../faults.js'
import { canonicalUlid } from './attempt-ref.js'
import type { DuplexCall } from './call.js'
import type { Incoming } from './decoding.js'
import type { EngineDoor } from './door.js'
import { callStatus, errorDetail, faultOf } from './errors.js'
import { invalidTaskId, malformed } from './input-faults.js'
import type { OpenStream } from './open-streams.js'
import { sessionOutbox, type SessionOutbox } from './session-outbox.js'
import { readSubmission, withContextPaths } from './submission.js'

export type SessionCall = DuplexCall<SessionRequest, SessionResponse>

interface Session {
  readonly door: EngineDoor
  readonly call: SessionCall
  readonly outbox: SessionOutbox
  /** Called once, when the stream is over for any reason. */
  readonly ended: () => void
  /** The ways to stop waiting, by task. */
  readonly watches: Map<TaskId, () => void>
  /** Submissions the engine has not answered. */
  inFlight: number
  /** How it ends once nothing is in flight and all is sent. */
  ending: 'no' | 'half_closed' | FaultDetail
  over: boolean
}

const NOT_YET = (): void => undefined

/** Serves a session until it ends; `ended` is called once when it did. */
export const serveSession = (door: EngineDoor, call: SessionCall, ended: () => void): OpenStream => {
  const outbox = sessionOutbox({
    write: (message) => call.write(message),
    overflowed: () => end(session, slowConsumer(door.limits.sessionOutboxBytesMax)),
    emptied: () => settle(session),
    bytesMax: door.limits.sessionOutboxBytesMax,
    messageBytesTarget: door.limits.messageBytesTarget,
  })
  const session: Session = { door, call, outbox, ended, watches: new Map(), inFlight: 0, ending: 'no', over: false }
  const guarded = (act: () => void): void => {
    try {
      act()
    } catch (error) {
      end(session, faultOf(error, door.logger))
    }
  }
  call.on('data', (incoming: Incoming<SessionRequest>) => guarded(() => receive(session, incoming)))
  call.on('drain', () => guarded(() => drained(session)))
  call.on('cancelled', () => guarded(() => finish(session)))
  call.on('end', () => guarded(() => endWhenSettled(session, 'half_closed')))
  return { end: (fault) => endWhenSettled(session, fault) }
}

const receive = (session: Session, incoming: Incoming<SessionRequest>): void => {
  if (session.over || session.ending !== 'no') return
  if (incoming.type === 'malformed') return endWhenSettled(session, malformed(incoming.problem))
  for (const submission of incoming.message.submissions) submit(session, submission)
  for (const taskId of incoming.message.watches) watch(session, taskId)
  pace(session)
}

const submit = (session: Session, wire: SubmitRequest): void => {
  const { door, outbox } = session
  const read = readSubmission(wire)
  if (read.type === 'refused') return outbox.submitted(refusedAnswer(wire.requestId, read.fault))
  const requestId = wire.requestId === '' ? read.submission.requestId : wire.requestId
  if (session.inFlight >= door.limits.sessionInFlightMax) return outbox.submitted(refusedAnswer(requestId, TOO_MANY_IN_FLIGHT))
  session.inFlight++
  const watched = wire.watchOutcome
  try {
    door.engine.submit(read.submission, (answer) => answered(session, requestId, watched, answer))
  } catch (error) {
    session.inFlight--
    outbox.submitted(refusedAnswer(requestId, faultOf(error, door.logger)))
  }
}

const answered = (session: Session, requestId: string, watched: boolean, answer: SubmitAnswer): void => {
  session.inFlight--
  if (session.over) return
  session.outbox.submitted(submitResponse(requestId, answer))
  if (watched && answer.type !== 'failed') startWatch(session, answer.taskId)
  pace(session)
}

/** The answer of C1; the unary call shares it. */
export const submitResponse = (requestId: string, answer: SubmitAnswer): SubmitResponse =>
  answer.type === 'failed'
    ? refusedAnswer(requestId, withContextPaths(answer.fault))
    : {
        requestId,
        taskId: answer.taskId,
        existing: answer.type === 'existing',
        consistencyToken: answer.token,
        error: undefined,
      }

const refusedAnswer = (requestId: string, fault: FaultDetail): SubmitResponse => ({
  requestId,
  taskId: '',
  existing: false,
  consistencyToken: '',
  error: errorDetail(fault),
})

/** Ids are matched as text by the client, so only the spelling the server uses is taken. */
const watch = (session: Session, text: string): void => {
  const taskId = parseTaskId(text)
  if (taskId !== undefined && canonicalUlid(text)) return startWatch(session, taskId)
  session.outbox.outcome(text, { type: 'failed', fault: invalidTaskId('task_id is no ULID in upper case') })
}

const startWatch = (session: Session, taskId: TaskId): void => {
  const { door, watches, outbox } = session
  if (watches.has(taskId)) return
  if (watches.size >= door.limits.sessionWatchesMax) return outbox.outcome(taskId, { type: 'failed', fault: TOO_MANY_WATCHES })
  watches.set(taskId, NOT_YET)
  try {
    const stop = door.engine.awaitOutcome(taskId, (outcome) => {
      if (watches.delete(taskId)) outbox.outcome(taskId, outcome)
    })
    if (watches.has(taskId)) watches.set(taskId, stop)
  } catch (error) {
    watches.delete(taskId)
    outbox.outcome(taskId, { type: 'failed', fault: faultOf(error, door.logger) })
  }
}

/** A client that submits faster than the log takes, or that does not read, is not read either until that is over. */
const pace = (session: Session): void => {
  const { call, outbox, door, inFlight } = session
  if (session.over) return
  const pauseAt = door.limits.sessionInFlightPause
  if (!outbox.flowing || inFlight >= pauseAt) call.pause()
  else if (call.isPaused() && inFlight <= pauseAt / 2) call.resume()
}

const drained = (session: Session): void => {
  session.outbox.drained()
  pace(session)
}

/** What is in flight is answered first; its watches end with the stream (C4). */
const endWhenSettled = (session: Session, how: 'half_closed' | FaultDetail): void => {
  if (session.over || (session.ending !== 'no' && how === 'half_closed')) return
  session.ending = how
  settle(session)
}

const settle = (session: Session): void => {
  const { ending } = session
  if (session.over || ending === 'no' || session.inFlight > 0 || !session.outbox.empty) return
  if (ending !== 'half_closed') return end(session, ending)
  if (session.watches.size > 0) return
  session.call.end()
  finish(session)
}

const end = (session: Session, fault: FaultDetail): void => {
  if (session.over) return
  session.call.emit('error', callStatus(fault))
  finish(session)
}

const finish = (session: Session): void => {
  if (session.over) return
  session.over = true
  session.outbox.close()
  for (const stop of session.watches.values()) stop()
  session.watches.clear()
  session.ended()
}

const TOO_MANY_IN_FLIGHT: FaultDetail = {
  code: 'BACKPRESSURE',
  reason: 'TOO_MANY_IN_FLIGHT',
  message: 'too many submissions of this session wait for an answer; it was not taken',
  retryable: true,
}

const TOO_MANY_WATCHES: FaultDetail = {
  code: 'BACKPRESSURE',
  reason: 'TOO_MANY_WATCHES',
  message: 'this session waits for too many outcomes; watch the task again when some have come',
  retryable: true,
}

const slowConsumer = (bytesMax: number): FaultDetail => ({
  code: 'BACKPRESSURE',
  reason: 'SLOW_CONSUMER',
  message: `the client does not read its session: more than ${bytesMax} bytes of outcomes wait for it`,
  retryable: true,
})
