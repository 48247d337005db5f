/** One worker's stream, as the engine serves it: its results become commands, its silence and its end have consequences. */
import { type DurationMs, isTakingBack, type JsonText, jsonOf, RUN_STEP, type TaskState } from '@tasker/core'
import type { ConnectedWorker } from '../dispatch/worker.js'
import type { Workers } from '../dispatch/workers.js'
import type { SchemaCheck } from '../templates/json-schema.js'
import { resultMismatch, resultProblems } from '../templates/result-schema.js'
import type { AttemptRef, AttemptResult, ResultAck, WorkerHello, WorkerPort, WorkerSession } from './api.js'
import { taskArchived } from './archiving.js'
import { ackOf, checkpointOf, resultCommand } from './attempts.js'
import type { Clock } from './clock.js'
import { type RecordSource, takeRecord, tellJournal, tellJournals } from './journal-records.js'
import { eventNotes } from './event-notes.js'
import type { StreamLoader } from './stream-loader.js'
import type { TaskRuntime } from './task-runtime.js'

export interface WorkerLinkParts {
  readonly workers: Workers
  readonly loader: StreamLoader
  readonly runtime: TaskRuntime
  /** A draw from [0, 1). */
  readonly draw: () => number
  readonly clock: Clock
  readonly schemaCheck: SchemaCheck
  /** Between two looks at a log that cannot be read. */
  readonly retryMs: DurationMs
}

/** Decisions about one result that may be lost with an earlier commit of its task; the worker sends it again after that. */
const DECISIONS_MAX = 10

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
  tellJournals(hello.running, worker, parts)
  const source: RecordSource = { worker, port, waiting: new Map() }
  return {
    forgotten,
    result: (result) => {
      workers.heard(worker)
      takeResult(result, { worker, port }, parts, answer, DECISIONS_MAX)
    },
    record: (record) => {
      workers.heard(worker)
      takeRecord(record, source, parts)
    },
    journalWanted: (ref) => tellJournal(ref, worker, parts),
    heard: () => workers.heard(worker),
    progress: (ref, progress) => noteProgress(ref, progress, worker, workers),
    drain: () => workers.drain(worker),
    disconnected: () => workers.disconnected(worker, port),
  }
}

const takeResult = (
  result: AttemptResult,
  from: { readonly worker: ConnectedWorker; readonly port: WorkerPort },
  parts: WorkerLinkParts,
  answer: (ack: ResultAck) => void,
  decisionsLeft: number,
): void => {
  const { loader, runtime, workers, draw } = parts
  const { worker, port } = from
  loader.find(result.taskId, (found) => {
    if (found.type === 'none' || found.type === 'archived') {
      const { reason, message } =
        found.type === 'none'
          ? { reason: 'TASK_NOT_FOUND', message: `there is no task ${result.taskId}` }
          : taskArchived(result.taskId, found.task)
      answer({ ...refOf(result), checkpoint: checkpointOf(result), status: 'refused', reason, message })
      return
    }
    if (found.type === 'failed') {
      const { reason, message, retryable } = found.fault.detail
      if (retryable !== true) {
        if (workers.lease(result)?.worker === worker) workers.end(result)
        answer({ ...refOf(result), checkpoint: checkpointOf(result), status: 'refused', reason, message })
      } else
        parts.clock.after(parts.retryMs, () => {
          // On another stream the worker sends the result again (W4), so the asking ends with the stream it came on.
          if (worker.port === port) takeResult(result, from, parts, answer, decisionsLeft)
        })
      return
    }
    const { stream } = found
    const checked = checkedResult(result, stream.state, parts.schemaCheck)
    const notes = stream.state.type === 'task' ? eventNotes(stream.state, checked, parts.schemaCheck) : undefined
    const command = resultCommand(checked, worker.id, runtime.now(stream), draw(), notes)
    runtime.apply(stream, command, { cause: { actor: `worker:${worker.id}`, command: command.type } }, (applied) => {
      if (applied.type === 'lost' && applied.settled.reason === 'predecessor_lost' && decisionsLeft > 1)
        return takeResult(result, from, parts, answer, decisionsLeft - 1)
      const ack = ackOf(result, applied, stream.state.type === 'task' ? stream.state : undefined)
      if (ack !== undefined) answer(ack)
    })
  })
}

/** A result that breaks its step's promise is a failure instead; whose attempt it is, and what follows, is decided as for any other. */
const checkedResult = (result: AttemptResult, state: TaskState, check: SchemaCheck): AttemptResult => {
  if (result.outcome.type === 'failed' && state.type === 'task' && state.journal !== undefined && result.step === RUN_STEP)
    return failedForGood(result, result.outcome)
  if (result.outcome.type !== 'completed' || state.type !== 'task') return result
  const index = state.graph.indexOf.get(result.step) ?? -1
  const spec = state.graph.steps[index]
  if (spec?.resultSchema === undefined || isTakingBack(state, index)) return result
  const problems = resultProblems(spec, result.outcome.output, check)
  return problems.length === 0 ? result : { ...result, outcome: { type: 'failed', failure: resultMismatch(spec, problems) } }
}

/** A function that throws has failed: what may be tried again is tried within it (W25). */
const failedForGood = (
  result: AttemptResult,
  outcome: Extract<AttemptResult['outcome'], { readonly type: 'failed' }>,
): AttemptResult => ({
  ...result,
  outcome: { ...outcome, failure: { ...outcome.failure, retryable: false } },
})

const noteProgress = (ref: AttemptRef, progress: JsonText | undefined, worker: ConnectedWorker, workers: Workers): void => {
  workers.heard(worker)
  const lease = workers.lease(ref)
  if (lease?.worker === worker) workers.progressed(lease, progress ?? jsonOf(null))
}

const refOf = ({ taskId, step, attempt }: AttemptRef): AttemptRef => ({ taskId, step, attempt })
