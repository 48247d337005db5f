/** One worker's stream, as the engine serves it: its results become commands, its silence and its end have consequences. */
import { durationMs, type JsonText, jsonOf } from '@tasker/core'
import type { ConnectedWorker } from '../dispatch/worker.js'
import type { Workers } from '../dispatch/workers.js'
import type { AttemptRef, AttemptResult, ResultAck, WorkerHello, WorkerPort, WorkerSession } from './api.js'
import { ackOf, resultCommand } from './attempts.js'
import type { Clock } from './clock.js'
import type { StreamLoader } from './stream-loader.js'
import type { TaskRuntime } from './task-runtime.js'

export interface WorkerLinkParts {
  readonly workers: Workers
  readonly loader: StreamLoader
  readonly runtime: TaskRuntime
  /** A draw from [0, 1). */
  readonly draw: () => number
  readonly clock: Clock
}

/** Between two looks at a log that cannot be read. */
const RETRY_MS = durationMs(500)

export const connectWorker = (hello: WorkerHello, port: WorkerPort, parts: WorkerLinkParts): WorkerSession => {
  const { workers } = parts
  const { worker, forgotten } = workers.connect(hello, port)
  const answer = (ack: ResultAck): void => {
    // The stream may have changed since the result came; the newest one hears it.
    const to = worker.port
    if (to === undefined) return
    to.ack(ack)
    workers.flushSoon(to)
  }
  return {
    forgotten,
    result: (result) => {
      workers.heard(worker)
      takeResult(result, worker, parts, answer)
    },
    heard: () => workers.heard(worker),
    progress: (ref, progress) => noteProgress(ref, progress, worker, workers),
    drain: () => workers.drain(worker),
    disconnected: () => workers.disconnected(worker, port),
  }
}

const takeResult = (
  result: AttemptResult,
  worker: ConnectedWorker,
  parts: WorkerLinkParts,
  answer: (ack: ResultAck) => void,
): void => {
  const { loader, runtime, draw } = parts
  loader.find(result.taskId, (found) => {
    if (found.type === 'none') {
      answer({ ...refOf(result), status: 'refused', reason: 'TASK_NOT_FOUND', message: `there is no task ${result.taskId}` })
      return
    }
    if (found.type === 'failed') {
      // Without the log nothing can be said yet; a worker has at most a result a slot here.
      const { reason, message, retryable } = found.fault.detail
      if (retryable === true) parts.clock.after(RETRY_MS, () => takeResult(result, worker, parts, answer))
      else answer({ ...refOf(result), status: 'refused', reason, message })
      return
    }
    const { stream } = found
    const command = resultCommand(result, worker.id, runtime.now(stream), draw())
    runtime.apply(stream, command, { cause: { actor: `worker:${worker.id}`, command: command.type } }, (applied) => {
      const ack = ackOf(result, applied, stream.state.type === 'task' ? stream.state : undefined)
      if (ack !== undefined) answer(ack)
    })
  })
}

const noteProgress = (ref: AttemptRef, progress: JsonText | undefined, worker: ConnectedWorker, workers: Workers): void => {
  workers.heard(worker)
  const lease = workers.lease(ref)
  if (lease?.worker === worker) lease.progress = progress ?? jsonOf(null)
}

const refOf = ({ taskId, step, attempt }: AttemptRef): AttemptRef => ({ taskId, step, attempt })
