/** What runs of durable functions hand in (W21): records become orders, and are answered when the log holds what they say. */
import {
  type DurationMs,
  type FunctionJournal,
  type Instant,
  type JournalProposal,
  later,
  RUN_STEP,
  runOf,
  type TaskRefusal,
} from '@tasker/core'
import type { ConnectedWorker, Lease } from '../dispatch/worker.js'
import type { Workers } from '../dispatch/workers.js'
import type { FaultDetail } from '../faults.js'
import type { AttemptRef, HandedIn, JournalRecord, SendWanted, WorkerPort } from './api.js'
import { taskArchived } from './archiving.js'
import { childId } from './children/child-task.js'
import type { Clock } from './clock.js'
import { notStorable } from './engine-faults.js'
import { handOver, waitsForSends } from './journal-sends.js'
import { newsOf, NO_FACTS, tellAgain, tellNews, type Told } from './journal-news.js'
import { taskNotFound } from './reads.js'
import type { StreamLoader } from './stream-loader.js'
import type { Applied, TaskRuntime } from './task-runtime.js'
import { durableTask, type TaskStream } from './task-stream.js'

export interface RecordParts {
  readonly workers: Workers
  readonly loader: StreamLoader
  readonly runtime: TaskRuntime
  readonly clock: Clock
  /** Between two looks at a log that cannot be read. */
  readonly retryMs: DurationMs
}

export interface RecordSource {
  readonly worker: ConnectedWorker
  readonly port: WorkerPort
  /** By attempt, records that wait until their log can be read: those that come after them wait behind them. */
  readonly waiting: Map<string, JournalRecord[]>
}

/** A record whose signals are handed over. */
type Sendless = Omit<JournalRecord, 'proposals'> & { readonly proposals: readonly Exclude<HandedIn, SendWanted>[] }

/** Decisions about one record that may be lost with an earlier commit of its task. */
const DECISIONS_MAX = 10

export const takeRecord = (record: JournalRecord, from: RecordSource, parts: RecordParts, left = DECISIONS_MAX): void => {
  const { loader, workers } = parts
  // N2, also where its task has to be read for it: what comes behind signals is not looked at before them.
  const inLine = (): boolean => waitsForSends(workers.lease(record), () => takeRecord(record, from, parts, left))
  if (inLine()) return
  const before = from.waiting.get(attemptOf(record))
  if (before !== undefined) return void before.push(record)
  loader.find(record.taskId, (found) => {
    if (inLine()) return
    switch (found.type) {
      case 'stream':
        return inOrder(record, from, found.stream, parts, left)
      case 'none':
        return refuse(record, from, parts, taskNotFound(record.taskId), true)
      case 'archived':
        return refuse(record, from, parts, taskArchived(record.taskId, found.task), true)
      case 'failed':
        if (found.fault.detail.retryable !== true) return refuse(record, from, parts, found.fault.detail, true)
        return takeLater(record, from, parts)
    }
  })
}

/** What is not this worker's to say is not done. */
const inOrder = (record: JournalRecord, from: RecordSource, stream: TaskStream, parts: RecordParts, left: number): void => {
  const lease = parts.workers.lease(record)
  const { state } = stream
  const life = state.type === 'task' ? state.journal?.life : undefined
  const proposals = record.proposals.flatMap((proposal) => (proposal.type === 'send' ? [] : [proposal]))
  const hasNone = proposals.length === record.proposals.length
  if (hasNone || life === undefined || lease?.worker !== from.worker || isRepeat(record, lease, stream)) {
    return decideRecord({ ...record, proposals }, from, stream, parts, left)
  }
  // How its signals went is news for the function, which it has not seen: it goes on.
  const then = record.then?.type === 'suspend' ? undefined : record.then
  const handedOver = (handed: Sendless['proposals']): void =>
    takeRecord({ ...record, proposals: handed, then }, from, parts, left)
  handOver({ lease, life }, record.proposals, parts, handedOver)
}

const attemptOf = ({ taskId, attempt }: JournalRecord): string => `${taskId}/${attempt}`

/** Records are decided in the order of their numbers, also when a log cannot be read for a while. */
const takeLater = (record: JournalRecord, from: RecordSource, parts: RecordParts): void => {
  const key = attemptOf(record)
  const before = from.waiting.get(key)
  if (before !== undefined) return void before.push(record)
  from.waiting.set(key, [record])
  parts.clock.after(parts.retryMs, () => {
    const records = from.waiting.get(key) ?? []
    from.waiting.delete(key)
    // On another stream the worker sends them again, so the asking ends with the stream they came on.
    if (from.worker.port === from.port) for (const one of records) takeRecord(one, from, parts)
  })
}

const decideRecord = (record: Sendless, from: RecordSource, stream: TaskStream, parts: RecordParts, left: number): void => {
  const { runtime, workers } = parts
  const { attempt, then, number, problem } = record
  const lease = workers.lease(record)
  const again = (): void => (left > 1 ? takeRecord(record, from, parts, left - 1) : undefined)
  if (lease?.worker === from.worker && (problem !== undefined || isRepeat(record, lease, stream))) {
    runtime.afterPending(stream, (settled) => {
      if (settled?.type === 'lost') return again()
      const journal = durableTask(stream)?.journal
      if (problem !== undefined) refuse(record, from, parts, problem, false)
      else if (journal !== undefined) tellNews(lease, journal, workers, { recorded: number })
    })
    return
  }
  const worker = from.worker.id
  const at = runtime.now(stream)
  const plain = { type: 'record', at, attempt, worker, proposals: proposalsOf(record.proposals, stream, at) } as const
  const command = then === undefined ? plain : { ...plain, then }
  runtime.apply(stream, command, { cause: { actor: `worker:${worker}`, command: 'record' } }, (applied) =>
    recorded(record, lease, applied, { from, stream, parts, again }),
  )
}

/** Each child is given the task that it will be. */
const proposalsOf = (handedIn: Sendless['proposals'], { taskId, state }: TaskStream, at: Instant): readonly JournalProposal[] =>
  handedIn.flatMap((proposal): JournalProposal[] => {
    if (proposal.type !== 'child') return [proposal]
    // What is no task, or no function, refuses the record whatever is in it.
    if (state.type !== 'task' || state.journal === undefined) return []
    const { namespace = state.submitted.namespace, key } = proposal
    return [{ ...proposal, namespace, taskId: childId(taskId, `${state.journal.life}\n${key}`, at) }]
  })

/** It is durable already, or was made before the function went on from its beginning, and so is durable. */
const isRepeat = ({ number, life }: JournalRecord, lease: Lease, { state }: TaskStream): boolean =>
  number <= lease.recorded || (life > 0 && state.type === 'task' && life < (state.journal?.life ?? 0))

interface Recording {
  readonly from: RecordSource
  readonly stream: TaskStream
  readonly parts: RecordParts
  readonly again: () => void
}

const recorded = (record: JournalRecord, lease: Lease | undefined, applied: Applied, recording: Recording): void => {
  const { from, stream, parts, again } = recording
  switch (applied.type) {
    case 'durable':
    case 'unchanged': {
      const task = durableTask(stream)
      const journal = task?.journal
      if (lease === undefined || task === undefined || journal === undefined) return
      lease.recorded = Math.max(lease.recorded, record.number)
      // A sign of life, of which the log knows nothing.
      if (applied.type === 'unchanged') parts.workers.renew(record, later(parts.clock.now(), runOf(task, 0).timeoutMs))
      const pause = applied.type === 'durable' ? pauseOf(applied.events, journal) : undefined
      if (pause === 'suspended' && record.keeps)
        parts.workers.kept.keep(record.taskId, { worker: from.worker.id, life: journal.life, facts: journal.length })
      tellNews(lease, journal, parts.workers, { recorded: record.number, pause, asProposed: true })
      return
    }
    case 'refused':
      return refuse(record, from, parts, refusalDetail(applied.refusal), endsRun(applied.refusal))
    case 'lost':
      if (applied.settled.reason === 'predecessor_lost') again()
      else if (applied.settled.reason === 'refused') refuse(record, from, parts, notStorable(applied.settled.message), false)
      return
    case 'quarantined':
      return refuse(record, from, parts, notStorable(applied.message), true)
  }
}

type Events = Extract<Applied, { readonly type: 'durable' }>['events']

const pauseOf = (events: Events, { diverged }: FunctionJournal): Told['pause'] => {
  if (diverged !== undefined) return 'diverged'
  if (events.some(({ type }) => type === 'step.suspended')) return 'suspended'
  return events.some((event) => event.type === 'step.cancelled' && event.step === RUN_STEP) ? 'taken_away' : undefined
}

/** Whether the run is over for this worker, or only the record was no good. */
const endsRun = ({ code, reason }: TaskRefusal): boolean =>
  code !== 'INVALID_INPUT' && code !== 'BACKPRESSURE' && reason !== 'JOURNAL_HAS_NEWS'

const refusalDetail = ({ code, reason, message }: TaskRefusal): FaultDetail => ({ code, reason, message, retryable: false })

const refuse = (
  record: JournalRecord,
  { worker }: RecordSource,
  { workers }: RecordParts,
  refused: FaultDetail,
  over: boolean,
): void => {
  const { port } = worker
  if (port === undefined) return
  const pause = over ? 'taken_away' : undefined
  port.news({ ...newsOf(record, record.life, NO_FACTS), recorded: record.number, refused, pause })
  workers.flushSoon(port)
}

/** The journals of runs that a worker still has, after its stream or its server was another (N2). */
export const tellJournals = (running: readonly AttemptRef[], worker: ConnectedWorker, parts: RecordParts): void => {
  for (const ref of running) if (ref.step === RUN_STEP) tellJournal(ref, worker, parts)
}

/** The journal of an attempt from its beginning, if it is this worker's. */
export const tellJournal = (ref: AttemptRef, worker: ConnectedWorker, parts: RecordParts): void => {
  const { loader, runtime, workers, clock, retryMs } = parts
  const { port } = worker
  const again = (): void => {
    clock.after(retryMs, () => (worker.port === port ? tellJournal(ref, worker, parts) : undefined))
  }
  loader.find(ref.taskId, (found) => {
    if (found.type === 'failed' && found.fault.detail.retryable === true) return again()
    if (found.type !== 'stream') return
    runtime.afterPending(found.stream, (settled) => {
      if (settled?.type === 'lost') return again()
      const lease = workers.lease(ref)
      const journal = durableTask(found.stream)?.journal
      if (lease?.worker === worker && journal !== undefined) tellAgain(lease, journal, workers)
    })
  })
}
