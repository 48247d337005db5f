/** The engine's view of a worker's stream: its calls as items of the outbox. */
import { AckStatus } from '@tasker/proto'
import { unreachable } from '@tasker/core'
import type { AckStatus as EngineAckStatus, AttemptResult, StepCommand, WorkerPort } from '../engine/api.js'
import type { FaultDetail } from '../faults.js'
import { wireRef } from './attempt-ref.js'
import type { WorkerOutbox } from './worker-outbox.js'

/** `end` ends the stream with a status. */
export const workerPort = (outbox: WorkerOutbox, end: (fault: FaultDetail) => void): WorkerPort => ({
  command: (command) => outbox.command(command),
  ack: (ack) =>
    outbox.ack({
      ref: { taskId: ack.taskId, stepId: ack.step, attempt: ack.attempt },
      status: wireStatus(ack.status),
      reason: ack.reason ?? '',
      message: ack.message ?? '',
      checkpoint: ack.checkpoint,
    }),
  cancel: (ref) => outbox.cancel({ ref: wireRef(ref) }),
  news: (news) => outbox.news(news),
  flush: () => outbox.flush(),
  close: (reason) => end(givenUp(reason)),
})

/** The result of an attempt that could not be sent: its input and the results it depends on fill more than a message. */
export const inputTooLarge = (command: StepCommand, bytes: number): AttemptResult => ({
  taskId: command.taskId,
  step: command.step,
  attempt: command.attempt,
  outcome: {
    type: 'failed',
    failure: {
      message: `the step's input and the results it depends on have about ${bytes} bytes, more than one message holds`,
      errorType: 'InputError',
      code: 'INPUT_TOO_LARGE',
      retryable: false,
    },
  },
})

const wireStatus = (status: EngineAckStatus): AckStatus => {
  switch (status) {
    case 'recorded':
      return AckStatus.ACK_STATUS_RECORDED
    case 'duplicate':
      return AckStatus.ACK_STATUS_DUPLICATE
    case 'ignored':
      return AckStatus.ACK_STATUS_IGNORED
    case 'refused':
      return AckStatus.ACK_STATUS_REFUSED
    default:
      return unreachable(status)
  }
}

/** W14: a conflict of two streams, or a worker given up for its silence; either way it may come back on a new stream. */
const givenUp = (reason: string): FaultDetail => ({
  code: 'CONFLICT',
  reason: 'WORKER_REPLACED',
  message: `the server closed this worker's stream: ${reason}`,
  retryable: true,
})
