/** What the front doors may ask of the engine. gRPC, REST and the CLI's demo know this file and `query`, never each other. */
import type {
  AfterRecord,
  ChildAsked,
  CancelTask,
  CompleteStepByHand,
  DurationMs,
  EventProblem,
  DeadLetterTask,
  HeardSteps,
  HandlerName,
  Instant,
  JournalLink,
  JournalProposal,
  JsonText,
  KeyKind,
  LiveTask,
  Moment,
  Namespace,
  Partition,
  ParentLink,
  PauseTask,
  Plan,
  RecordedTaskEvent,
  StepChoice,
  ResetStep,
  ResolveStep,
  ResolveTask,
  ResumeTask,
  RetryTask,
  SignalTask,
  UpdateTask,
  StepId,
  TaskId,
  TaskRefusal,
  TemplateHash,
  UpdateDeadLetter,
  WorkerId,
  Failure,
} from '@tasker/core'
import type { FaultDetail, InputProblem } from '../faults.js'
import type { DomainEvents } from '../publishers/feed.js'
import type { ScheduleDoor } from './schedules/api.js'
import type { SealLevels } from './seals/levels.js'

/** A submission whose form was checked at the door; the engine resolves the template and checks the context against its schema. */
export interface Submission {
  /** A ULID its client made before the first try; a repeat with the same id gives the same task. Made at the door when the client gave none. */
  readonly requestId: string
  readonly namespace: Namespace
  readonly name: string
  /** The latest when undefined. */
  readonly version: string | undefined
  /** Exactly one JSON object, as received. */
  readonly context: JsonText
  readonly actor: string
  readonly initiator: string | undefined
  readonly sourceSystem: string | undefined
  readonly reason: string | undefined
  readonly tags: readonly string[]
  readonly priority: number | undefined
  readonly correlationId: string | undefined
  readonly parentCorrelationId: string | undefined
  readonly idempotencyKey: string | undefined
  readonly runAt: Instant | undefined
  /** Instead of `runAt`: so long after it is accepted. */
  readonly delayMs?: DurationMs | undefined
  readonly onDuplicate: 'reject' | 'return'
  /** Of a child: the task that began it, and the one that it is. No rule of its template says otherwise. */
  readonly child?: { readonly taskId: TaskId; readonly parent: ParentLink } | undefined
  /** For the task, whether this submission starts it or it is there; then it is returned. */
  readonly signal?: GivenSignal | undefined
}

/** An outside fact for a durable function. */
export interface GivenSignal {
  readonly name: string
  readonly payload: JsonText
}

/** Where a write went: `partition:seq`, given back to list queries to read one's own writes. */
export type ConsistencyToken = string

export type SubmitAnswer =
  | { readonly type: 'created'; readonly taskId: TaskId; readonly token: ConsistencyToken }
  /** The task was there: a repeat of the request, or `on_duplicate: return`. */
  | { readonly type: 'existing'; readonly taskId: TaskId; readonly token: ConsistencyToken }
  | { readonly type: 'failed'; readonly fault: FaultDetail }

export type CommandAnswer =
  | { readonly type: 'done'; readonly taskId: TaskId; readonly token: ConsistencyToken }
  | { readonly type: 'refused'; readonly refusal: TaskRefusal }
  | { readonly type: 'failed'; readonly fault: FaultDetail }

/** An order of a person to one task; the engine dates it. */
export type TaskOrder = Undated<
  | CancelTask
  | PauseTask
  | ResumeTask
  | RetryTask
  | ResolveTask
  | ResetStep
  | ResolveStep
  | CompleteStepByHand
  | DeadLetterTask
  | UpdateDeadLetter
  | SignalTask
  | UpdateTask
>

type Undated<Command> = Command extends { readonly at: Instant } ? Omit<Command, 'at'> : never

/** A task, durable up to `version`. */
export interface TaskSnapshot {
  readonly taskId: TaskId
  readonly version: number
  readonly state: LiveTask
  /** Of the steps that wait for a key. */
  readonly keyLines?: ReadonlyMap<StepId, KeyLine>
  /** When the last event of the state happened, where the task was read as of a moment of its past. */
  readonly asOf?: Instant
}

/** How a step stands that waits for a key. */
export interface KeyLine {
  /** Places of the key that are taken. */
  readonly held: number
  /** Who goes before it; undefined when so many wait that nobody knows yet. */
  readonly ahead: number | undefined
  /** Who has its places, the first of them. */
  readonly holders: readonly KeyHolder[]
}

/** What `result` tells: terminal, or blocked and so waiting for a person. */
export type TaskOutcome =
  | { readonly type: 'completed'; readonly taskId: TaskId; readonly result: JsonText }
  | { readonly type: 'cancelled'; readonly taskId: TaskId; readonly reason: string | undefined }
  /** Over without success: `code` for programs, `message` for people. */
  | { readonly type: 'ended_in_failure'; readonly taskId: TaskId; readonly code: string; readonly message: string }
  | { readonly type: 'resolved_manually'; readonly taskId: TaskId; readonly reason: string | undefined }
  | {
      readonly type: 'blocked'
      readonly taskId: TaskId
      readonly steps: readonly { readonly step: StepId; readonly failure: Failure }[]
    }

export interface TaskEventListener {
  /** Called with events in order of version, after they are durable. */
  readonly onEvents: (events: readonly RecordedTaskEvent[]) => void
  /** Asked while the history is told: who wants no more of it hears what is new, and reads what lies between by itself. */
  readonly full?: () => boolean
}

export interface TemplateRecord {
  readonly namespace: Namespace
  readonly name: string
  readonly version: string
  /** Of the document, whatever the environment. */
  readonly hash: TemplateHash
  /** Under this server's environment. */
  readonly plan: Plan
  /** The document as registered. */
  readonly content: string
  readonly registeredAt: Instant
}

export type RegisterAnswer =
  | {
      readonly type: 'registered'
      readonly record: TemplateRecord
      readonly replaced: boolean
      readonly warnings: readonly InputProblem[]
    }
  | { readonly type: 'unchanged'; readonly record: TemplateRecord; readonly warnings: readonly InputProblem[] }
  | { readonly type: 'failed'; readonly fault: FaultDetail }

export interface AttemptRef {
  readonly taskId: TaskId
  readonly step: StepId
  readonly attempt: number
}

/** One attempt for a worker to run. */
export interface StepCommand extends AttemptRef {
  readonly task: LiveTask
  readonly stepIndex: number
  readonly deadlineAt: Instant
  /** What the worker is to see first of the journal; undefined when the step runs no durable function. */
  readonly run?: JournalPiece
}

/** Facts of a function's journal in their order. */
export interface JournalPiece {
  /** Facts before them. */
  readonly from: number
  readonly links: readonly JournalLink[]
}

/** A child as its parent asks for it: which task it is to be, the engine says. */
export interface ChildWanted extends Omit<ChildAsked, 'taskId' | 'namespace'> {
  /** That of its parent when undefined. */
  readonly namespace: Namespace | undefined
}

/** A signal for another task. */
export interface SendWanted {
  readonly type: 'send'
  readonly key: string
  /** As the function said it. */
  readonly taskId: string
  readonly name: string
  readonly payload: JsonText
}

/** What a run hands in, before it is known what of it is done by the engine. */
export type HandedIn = Exclude<JournalProposal, ChildAsked> | ChildWanted | SendWanted

/** What the run of a durable function hands in to be recorded together (W21). */
export interface JournalRecord extends AttemptRef {
  /** From 1 within the attempt. */
  readonly number: number
  /** In which life it was made; 0 when the worker does not say. */
  readonly life: number
  readonly proposals: readonly HandedIn[]
  readonly then: AfterRecord | undefined
  /** Whether the worker keeps the function in its memory when it is suspended with this (W24). */
  readonly keeps: boolean
  /** Why it could not be read: nothing of it is recorded. */
  readonly problem: FaultDetail | undefined
}

/** What follows in the journal of a function whose run is out (W22). */
export interface JournalNews extends AttemptRef, JournalPiece {
  readonly life: number
  /** The worker handed them in, and knows what they say. */
  readonly asProposed: boolean
  /** The record that is answered; 0 when none is. */
  readonly recorded: number
  /** Why it was not recorded. */
  readonly refused: FaultDetail | undefined
  /** The attempt is over. */
  readonly pause: 'suspended' | 'diverged' | 'taken_away' | undefined
  /** What the life began with, where the news begin with it. */
  readonly began: { readonly input: JsonText; readonly at: Instant } | undefined
}

/** No end: the attempt saved how far it came, and goes on. */
export interface CheckpointOutcome {
  readonly type: 'checkpoint'
  readonly number: number
  readonly cursor: JsonText
  readonly itemsProcessed: number
  readonly accumulated?: JsonText
}

export type AttemptOutcome =
  | { readonly type: 'completed'; readonly output: JsonText; readonly metadata?: JsonText; readonly choice?: StepChoice }
  | CheckpointOutcome
  | { readonly type: 'failed'; readonly failure: Failure; readonly metadata?: JsonText }
  | { readonly type: 'cancelled' }

/** What a worker gives for a domain event that the step declares. */
export interface GivenEvent {
  readonly name: string
  /** The result when undefined. */
  readonly payload: JsonText | undefined
  readonly metadata: JsonText | undefined
  readonly withheld: boolean
  readonly problems: readonly EventProblem[]
}

export interface AttemptResult extends AttemptRef {
  readonly outcome: AttemptOutcome
  /** None when undefined. */
  readonly events?: readonly GivenEvent[]
}

export type AckStatus = 'recorded' | 'duplicate' | 'ignored' | 'refused'

export interface ResultAck extends AttemptRef {
  readonly status: AckStatus
  /** The number of the checkpoint this answers; 0 for the end of an attempt. */
  readonly checkpoint: number
  /** Why, when not recorded. */
  readonly reason: string | undefined
  readonly message: string | undefined
}

/** The engine's side of a worker's stream; all calls come after durability and in order. `flush` ends a burst of them. */
export interface WorkerPort {
  command(command: StepCommand): void
  ack(ack: ResultAck): void
  cancel(ref: AttemptRef): void
  /** In one order with the commands (W13). */
  news(news: JournalNews): void
  flush(): void
  /** The engine gives the worker up (replaced by a newer stream, or the server stops). */
  close(reason: string): void
}

export interface WorkerHello {
  readonly workerId: WorkerId
  readonly namespace: Namespace
  readonly handlers: readonly HandlerName[]
  readonly slots: number
  readonly codeVersion: string
  readonly sdk: string
  readonly host: string
  /** Attempts it runs, or holds an unacknowledged result for, from before a reconnect. */
  readonly running: readonly AttemptRef[]
}

export interface WorkerSession {
  /** Attempts from `running` that are no longer this worker's: it should abort them. */
  readonly forgotten: readonly AttemptRef[]
  result(result: AttemptResult): void
  /** The run of a durable function hands something in. */
  record(record: JournalRecord): void
  /** A worker that kept a function does not have it any more. */
  journalWanted(ref: AttemptRef): void
  /** The worker was heard. */
  heard(): void
  /** The handler is alive; progress is kept for people. */
  progress(ref: AttemptRef, progress: JsonText | undefined): void
  /** It finishes what it has and takes no more. */
  drain(): void
  /** The stream broke: its attempts wait for the grace. */
  disconnected(): void
}

export interface WorkerInfo {
  readonly workerId: WorkerId
  readonly namespace: Namespace
  readonly handlers: readonly HandlerName[]
  readonly slots: number
  readonly busy: number
  readonly state: 'connected' | 'draining' | 'disconnected'
  readonly host: string
  readonly sdk: string
  readonly codeVersion: string
  readonly connectedAt: Instant
}

export interface QueueInfo {
  readonly namespace: Namespace
  readonly handler: HandlerName
  readonly waiting: number
  readonly workers: number
}

/** Who has a place of a key. `freeAt` is known of a rate's place once its attempt has started. */
export interface KeyHolder extends AttemptRef {
  readonly grantedAt: Instant
  readonly freeAt: Instant | undefined
}

export interface KeyInfo {
  readonly namespace: Namespace
  readonly kind: KeyKind
  readonly key: string
  /** As the step says that has the next turn, or the last that had one. */
  readonly limit: number
  readonly perMs: DurationMs | undefined
  readonly held: number
  readonly waiting: number
  /** The first of them. */
  readonly holders: readonly KeyHolder[]
}

/** A queue in which steps wait and that no worker has served for a while. */
export interface UnservedQueue {
  readonly namespace: Namespace
  readonly handler: HandlerName
  readonly waiting: number
  /** Since when nobody has served it, as far as this server knows. */
  readonly since: Instant
}

/** One of the things that must hold for a server to be ready, or well. */
export interface HealthPart {
  readonly name: 'ownership' | 'recovery' | 'database' | 'clock' | 'pressure' | 'projections'
  readonly ok: boolean
  /** Whether the server is ready without it. */
  readonly needed: boolean
  /** What is wrong, or how it is known to be well. */
  readonly detail: string
}

/** A bound of the engine, and how much of it is used. */
export interface LimitLevel {
  readonly limit: string
  readonly used: number
  readonly max: number
}

export interface EngineHealth {
  /** All that is needed holds. */
  readonly ready: boolean
  /** Why not ready, or not well, for people. */
  readonly problems: readonly string[]
  readonly parts: readonly HealthPart[]
  readonly limits: readonly LimitLevel[]
  /** How far this clock is ahead of the database's. */
  readonly clockOffsetMs: number
  readonly partitions: number
  readonly pendingCommits: number
  readonly quarantined: readonly { readonly taskId: string; readonly position: string; readonly message: string }[]
  readonly projectionLagMs: number
  /** How far the rows of each partition are behind its log. */
  readonly projectionLags: readonly { readonly partition: Partition; readonly commits: number; readonly lagMs: number }[]
  /** Projections whose rows were found to differ from the log, and how many rows. */
  readonly projectionDifferences: readonly { readonly projection: string; readonly rows: number; readonly first: string }[]
  /** How long the oldest domain event waits for its transport, and why it does when that is known. */
  readonly domainEvents: { readonly lagMs: number; readonly problem: string | undefined }
  /** Undefined when no seals are made. */
  readonly seals: SealLevels | undefined
}

export type {
  ProjectionName,
  ProjectionStatus,
  ProjectionUpkeep,
  RowDifference,
  Verification,
} from '../projections/upkeep-api.js'
export type { DomainEvents } from '../publishers/feed.js'
export type { SealLevels } from './seals/levels.js'
export type { DomainMessage } from '../publishers/message.js'

/** What the engine sees of queues that nobody serves and of handlers that are heard. */
export interface EngineWatch {
  /** Queues that are reported because nobody serves them. */
  unservedQueues(): readonly UnservedQueue[]
  /** Why steps of a queue do not start; undefined when nothing is wrong with it. */
  queueProblem(namespace: Namespace, handler: HandlerName): UnservedQueue | undefined
  /** The last signs of life of the running steps of a task. */
  heardSteps(taskId: TaskId): HeardSteps
}

/** What archives a task whose events were put into an archive. */
export interface ArchiveOrder {
  readonly taskId: TaskId
  readonly archive: string
  /** The version of the last event in the archive, in how many commits, and the place and hash of the last of them. */
  readonly versions: number
  readonly commits: number
  readonly lastSeq: number
  readonly lastHash: Buffer
}

export type ArchiveAnswer =
  /** `task.archived` is durable at this place. */
  | { readonly type: 'archived'; readonly seq: number }
  /** It lies in another archive already, or in this one. */
  | { readonly type: 'archived_before'; readonly archive: string }
  /** Not now, or not so. */
  | { readonly type: 'refused'; readonly message: string }

export type { ScheduleDoor, ScheduleInfo, ScheduleOrder } from './schedules/api.js'

export interface Engine {
  readonly domainEvents: DomainEvents
  submit(submission: Submission, answer: (answer: SubmitAnswer) => void): void
  cancel(taskId: TaskId, reason: string | undefined, actor: string): Promise<CommandAnswer>
  /** Refused by the rules of the task, or done when the log holds it. */
  order(taskId: TaskId, order: TaskOrder, actor: string): Promise<CommandAnswer>
  /** Strongly consistent; undefined when there is no such task. Throws a Fault for a quarantined stream or an absent database. */
  read(taskId: TaskId): Promise<TaskSnapshot | undefined>
  /**
   * The task as it was at a moment, folded from the log beside what is in memory. Throws `BEFORE_FIRST_EVENT` or `VERSION_AHEAD` where the task had
   * no such moment.
   */
  readAsOf(taskId: TaskId, moment: Moment): Promise<TaskSnapshot | undefined>
  /** Durable events with a version above `afterVersion`. */
  history(taskId: TaskId, afterVersion: number, limit: number): Promise<readonly RecordedTaskEvent[]>
  /** Follows a task from a version on: first what is there, then live. Returns the way to stop. */
  follow(taskId: TaskId, afterVersion: number, listener: TaskEventListener): Promise<() => void>
  /** Calls back once, when the task is terminal or blocked. Returns the way to stop waiting. */
  awaitOutcome(
    taskId: TaskId,
    answer: (outcome: TaskOutcome | { readonly type: 'failed'; readonly fault: FaultDetail }) => void,
  ): () => void
  register(
    content: string,
    options: { readonly replace: boolean; readonly actor: string; readonly file?: string },
  ): Promise<RegisterAnswer>
  template(namespace: Namespace, name: string, version: string | undefined): TemplateRecord | undefined
  templates(): readonly TemplateRecord[]
  connect(hello: WorkerHello, port: WorkerPort): WorkerSession
  workers(): readonly WorkerInfo[]
  queues(): readonly QueueInfo[]
  /** Keys that have a holder, or that a step waits for. */
  keys(): readonly KeyInfo[]
  readonly schedules: ScheduleDoor
  readonly watch: EngineWatch
  health(): EngineHealth
  stop(): Promise<void>
}
