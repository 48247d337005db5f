/** What a worker says after its hello, item by item; what makes no sense is answered and the rest is done (W6, W12, W13). */
import {
  AckStatus,
  type AttemptRef,
  type ConnectRequest,
  type ResultAck,
  type StepHeartbeat,
  type StepResult,
} from '@tasker/proto'
import type { WorkerSession } from '../engine/api.js'
import { attemptRef } from './attempt-ref.js'
import type { DoorLimits } from './door.js'
import { errorDetail } from './errors.js'
import { readRecord } from './journal-record.js'
import { readPayload } from './payload.js'
import type { WorkerOutbox } from './worker-outbox.js'
import { readResult } from './worker-result.js'

/** Reads a message in the order of W13, less its hello. */
export const hear = (session: WorkerSession, outbox: WorkerOutbox, message: ConnectRequest, limits: DoorLimits): void => {
  for (const wire of message.results) {
    const read = readResult(wire)
    if (read.type === 'result') session.result(read.result)
    else if (read.type === 'refused') outbox.ack(refusedAck(wire, read.reason, read.message))
    else report(outbox, 'RESULT_WITHOUT_REF', 'a result names no attempt; it was not read')
  }
  for (const heartbeat of message.heartbeats) hearHeartbeat(session, outbox, heartbeat, limits)
  for (const wire of message.records) {
    const read = readRecord(wire)
    if (read.type === 'record') session.record(read.record)
    else report(outbox, 'INVALID_RECORD', `a record was not read: ${read.message}`)
  }
  for (const { ref } of message.journalsWanted) hearWanted(session, outbox, ref)
  if (message.drain !== undefined) session.drain()
}

const hearWanted = (session: WorkerSession, outbox: WorkerOutbox, ref: AttemptRef | undefined): void => {
  const read = ref === undefined ? undefined : attemptRef(ref)
  if (read?.type === 'ref') session.journalWanted(read.ref)
  else report(outbox, 'INVALID_ATTEMPT_REF', 'a journal is wanted of no attempt')
}

/** Adds a problem of W12. */
export const report = (outbox: WorkerOutbox, reason: string, message: string): void =>
  outbox.problem(errorDetail({ code: 'INVALID_INPUT', reason, message, retryable: false }))

const hearHeartbeat = (session: WorkerSession, outbox: WorkerOutbox, heartbeat: StepHeartbeat, limits: DoorLimits): void => {
  if (heartbeat.ref === undefined) return report(outbox, 'INVALID_ATTEMPT_REF', 'a heartbeat names no attempt')
  const read = attemptRef(heartbeat.ref)
  if (read.type === 'nonsense') return report(outbox, 'INVALID_ATTEMPT_REF', `a heartbeat names no attempt: ${read.message}`)
  if (heartbeat.progress === undefined) return session.progress(read.ref, undefined)
  const progress = readPayload(heartbeat.progress, limits.progressBytesMax, 'the progress')
  if (progress.type === 'json') return session.progress(read.ref, progress.text)
  // The handler is alive all the same.
  session.progress(read.ref, undefined)
  report(outbox, 'PROGRESS_NOT_READ', progress.type === 'not_json' ? progress.problem.message : progress.message)
}

/** With the key as the worker spelled it, so that it finds what it holds. */
const refusedAck = ({ ref, outcome }: StepResult, reason: string, message: string): ResultAck => ({
  ref,
  status: AckStatus.ACK_STATUS_REFUSED,
  reason,
  message,
  checkpoint: outcome?.$case === 'checkpoint' ? outcome.value.number : 0,
})
