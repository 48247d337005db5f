/** The state of a task as a snapshot keeps it, and back: the template and the graph are not in it, they follow from the template's hash. */
import { createHash } from 'node:crypto'
import {
  type BatchRange,
  type BatchRun,
  callStep,
  type Checkpoint,
  type DeadLetter,
  type DeadLetters,
  elementAt,
  type Instant,
  invariant,
  type LiveTask,
  NO_DEAD_LETTERS,
  type Plan,
  present,
  type StepGraph,
  type StepId,
  type StepState,
  type TaskSubmitted,
  type TemplateHash,
  withCalls,
  withWorkers,
} from '@tasker/core'
import {
  type Coder,
  dictionary,
  flag,
  list,
  mapOf,
  number,
  optional,
  orUndefined,
  record,
  text,
  variants,
  word,
} from './coder.js'
import { failure } from './failure-text.js'
import { type StoredCall, call, storedCalls } from './call-text.js'
import { journal } from './journal-text.js'

/** Raised when the same events fold to another state than before without a change of its shape. */
const FOLD_VERSION = 1

type StepOf<Status extends StepState['status']> = Extract<StepState, { readonly status: Status }>
type Pace = LiveTask['pace']
type LetterSubject = DeadLetter['subject']
type LetterSnapshot = DeadLetter['snapshot']

const reported = record<StepState['reported'][number]>('reported', { attempt: number(), worker: text(), failure })

const at = number<Instant>()

const history = {
  attempts: number(),
  attemptsSinceReset: number(),
  ignored: list(number()),
  since: at,
  firstStartedAt: orUndefined(at),
  lastStartedAt: orUndefined(at),
  lastFailure: orUndefined(failure),
  lastFailedAt: orUndefined(at),
  closeBy: orUndefined(at),
  reported: list(reported),
}

const complete = record<StepOf<'complete'>>('complete', {
  status: word('complete'),
  ...history,
  worker: orUndefined(text()),
  output: text(),
})

const step = variants<StepState, 'status'>('status', {
  uncreated: record<StepOf<'uncreated'>>('uncreated', { status: word('uncreated'), ...history }),
  not_taken: record<StepOf<'not_taken'>>('not_taken', { status: word('not_taken'), ...history }),
  pending: record<StepOf<'pending'>>('pending', { status: word('pending'), ...history }),
  enqueued: record<StepOf<'enqueued'>>('enqueued', {
    status: word('enqueued'),
    ...history,
    admitted: number(),
    startBy: orUndefined(number()),
  }),
  in_progress: record<StepOf<'in_progress'>>('in_progress', {
    status: word('in_progress'),
    ...history,
    worker: text(),
    deadlineAt: number(),
  }),
  waiting_for_retry: record<StepOf<'waiting_for_retry'>>('waiting_for_retry', {
    status: word('waiting_for_retry'),
    ...history,
    dueAt: number(),
  }),
  complete,
  error: record<StepOf<'error'>>('error', { status: word('error'), ...history, worker: orUndefined(text()) }),
  cancelled: record<StepOf<'cancelled'>>('cancelled', { status: word('cancelled'), ...history, worker: orUndefined(text()) }),
  skipped: record<StepOf<'skipped'>>('skipped', { status: word('skipped'), ...history }),
  resolved_manually: record<StepOf<'resolved_manually'>>('resolved_manually', {
    status: word('resolved_manually'),
    ...history,
  }),
  compensated: record<StepOf<'compensated'>>('compensated', {
    status: word('compensated'),
    ...history,
    worker: orUndefined(text()),
    output: text(),
  }),
})

const parent = record<NonNullable<TaskSubmitted['parent']>>('parent', {
  taskId: text(),
  of: text(),
  key: text(),
  round: number(),
  onClose: text(),
  depth: number(),
})

const submitted = record<TaskSubmitted>('submitted', {
  type: word('task.submitted'),
  namespace: text(),
  name: text(),
  version: text(),
  templateHash: text(),
  environment: optional(text()),
  context: text(),
  priority: number(),
  tags: list(text()),
  correlationId: text(),
  parentCorrelationId: optional(text()),
  initiator: optional(text()),
  sourceSystem: optional(text()),
  reason: optional(text()),
  idempotencyKey: optional(text()),
  fairnessKey: optional(text()),
  identity: optional(text()),
  runAt: optional(number()),
  parent: optional(parent),
})

const pace = variants<Pace, 'type'>('type', {
  going: record<Extract<Pace, { type: 'going' }>>('going', { type: word('going'), resumedAt: orUndefined(number()) }),
  paused: record<Extract<Pace, { type: 'paused' }>>('paused', {
    type: word('paused'),
    since: number(),
    reason: orUndefined(text()),
    by: orUndefined(text()),
  }),
})

const stale = record<Extract<LetterSubject, { type: 'stale' }>>('stale', {
  type: word('stale'),
  state: text(),
  step: orUndefined(text()),
  since: number(),
  thresholdMs: number(),
})

const subject = variants<LetterSubject, 'type'>('type', {
  task: record<Extract<LetterSubject, { type: 'task' }>>('task', { type: word('task') }),
  failed: record<Extract<LetterSubject, { type: 'failed' }>>('failed', { type: word('failed'), steps: list(text<StepId>()) }),
  stale,
  queued: record<Extract<LetterSubject, { type: 'queued' }>>('queued', { type: word('queued'), step: text(), attempt: number() }),
})

const letter = record<DeadLetter>('letter', {
  entry: number(),
  reason: text(),
  status: text(),
  originalState: text(),
  subject,
  openedAt: number(),
  resolvedAt: orUndefined(number()),
  resolvedBy: orUndefined(text()),
  notes: orUndefined(text()),
  metadata: orUndefined(text()),
  snapshot: record<LetterSnapshot>('letter_snapshot', {
    counts: dictionary(number()),
    steps: list(
      record<LetterSnapshot['steps'][number]>('letter_step', {
        step: text(),
        status: text(),
        attempts: number(),
        failure: orUndefined(text()),
      }),
    ),
    moreSteps: number(),
  }),
})

const deadLetters = record<DeadLetters>('dead_letters', { opened: number(), entries: list(letter), told: list(stale) })

const checkpoint = record<Checkpoint>('checkpoint', {
  attempt: number(),
  number: number(),
  cursor: text(),
  itemsProcessed: number(),
  accumulated: orUndefined(text()),
  savedAt: number(),
})

/** What of a batch does not follow from the template. */
interface StoredBatch {
  readonly batchable: number
  readonly first: number
  readonly ranges: readonly BatchRange[]
  readonly isNoOp: boolean
  readonly workers: readonly StepId[]
}

const batch = record<StoredBatch>('batch', {
  batchable: number(),
  first: number(),
  ranges: list(record<BatchRange>('range', { id: text(), start: text(), end: text(), size: number() })),
  isNoOp: flag,
  workers: list(text<StepId>()),
})

type StoredTask = Omit<LiveTask, 'plan' | 'graph' | 'batches'> & {
  readonly batches: readonly StoredBatch[]
  readonly calls: readonly StoredCall[]
}

const counts: Coder<LiveTask['counts']> = record<LiveTask['counts']>('counts', {
  uncreated: number(),
  not_taken: number(),
  pending: number(),
  enqueued: number(),
  in_progress: number(),
  waiting_for_retry: number(),
  complete: number(),
  error: number(),
  cancelled: number(),
  skipped: number(),
  resolved_manually: number(),
  compensated: number(),
})

const task = record<StoredTask>('task', {
  type: word('task'),
  phase: text(),
  pace,
  submitted,
  submittedAt: number(),
  updatedAt: number(),
  endedAt: orUndefined(number()),
  cancel: orUndefined(record<NonNullable<LiveTask['cancel']>>('cancel', { reason: orUndefined(text()), graceUntil: number() })),
  compensation: orUndefined(
    record<NonNullable<LiveTask['compensation']>>('compensation', {
      cause: text(),
      startedAt: number(),
      undone: mapOf(complete),
    }),
  ),
  failed: orUndefined(
    record<NonNullable<LiveTask['failed']>>('failed', { type: word('task.failed'), code: text(), message: text() }),
  ),
  resolvedReason: orUndefined(text()),
  steps: list(step),
  unmet: list(number()),
  counts,
  choices: mapOf(list(number())),
  batches: list(batch),
  calls: list(call),
  checkpoints: mapOf(checkpoint),
  deadLetters,
  journal: orUndefined(journal),
})

/** Names the shape of the text and the rules it was folded by; a snapshot of another schema is not used. */
export const STATE_SCHEMA = `${FOLD_VERSION}-${createHash('sha256').update(task.shape).digest('hex').slice(0, 16)}`

export const taskStateText = (state: LiveTask): string =>
  JSON.stringify(
    task.write({ ...state, batches: state.batches.map((run) => storedBatch(run, state.graph)), calls: storedCalls(state) }),
  )

/** Throws when the text is no state of this schema, or its template is not known. */
export const parseTaskState = (stored: string, plans: (hash: TemplateHash) => Plan | undefined): LiveTask => {
  const { calls, ...read } = task.read(JSON.parse(stored))
  const plan = present(plans(read.submitted.templateHash), 'the template of a snapshot')
  const grown = read.batches.reduce<StepGraph>((graph, run) => withBatch(graph, plan, run), plan)
  const asked = calls.map(({ step: name, call: of }) => callStep(name, of))
  const graph = asked.length === 0 ? grown : withCalls(grown, asked)
  invariant(read.steps.length === graph.steps.length, 'a snapshot has a state for each step')
  return {
    ...read,
    plan,
    graph,
    batches: read.batches.map((run) => liveBatch(run, plan)),
    // Looked for by reference.
    deadLetters: read.deadLetters.opened === 0 && read.deadLetters.told.length === 0 ? NO_DEAD_LETTERS : read.deadLetters,
  }
}

const storedBatch = ({ spec, first, ranges, isNoOp }: BatchRun, graph: StepGraph): StoredBatch => ({
  batchable: spec.batchable,
  first,
  ranges,
  isNoOp,
  workers: ranges.map((_, offset) => elementAt(graph.steps, first + offset, 'a worker of a batch').name),
})

const specOf = ({ batchable }: StoredBatch, plan: Plan): BatchRun['spec'] =>
  present(
    plan.batches.find((spec) => spec.batchable === batchable),
    'the batch of a snapshot',
  )

const withBatch = (graph: StepGraph, plan: Plan, run: StoredBatch): StepGraph =>
  run.workers.length === 0 ? graph : withWorkers(graph, specOf(run, plan).workerTemplate, run.workers)

const liveBatch = (run: StoredBatch, plan: Plan): BatchRun => ({
  spec: specOf(run, plan),
  first: run.first,
  ranges: run.ranges,
  isNoOp: run.isNoOp,
})
