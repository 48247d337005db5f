/** Every bound of the engine, by name, with its unit last. Settings may lower most of them; none is unbounded. */
import type { DurationMs } from './kernel/instant.js'

const ms = (n: number): DurationMs => n as DurationMs

export const LIMITS = {
  /** Steps a template may declare. */
  templateStepsMax: 1_000,
  /** Steps a task may have, those that batches add included. */
  taskStepsMax: 10_000,
  /** Decisions that may stand one behind another. */
  decisionDepthMax: 20,
  /** Steps a decision may name. */
  stepsPerDecisionMax: 100,
  /** Workers of one batch, whatever its template says. */
  batchWorkersMax: 1_000,
  /** Bytes of all cursors an analyzer gives. */
  batchCursorsBytesMax: 2 * 1024 * 1024,
  /** Bytes of a checkpoint: its cursor and what was accumulated. */
  checkpointBytesMax: 1024 * 1024,
  /** Bytes of a template document. */
  templateBytesMax: 4 * 1024 * 1024,
  /** Bytes of a task's context, as received. */
  contextBytesMax: 1024 * 1024,
  /** Bytes of a step's result, as received. */
  resultBytesMax: 2 * 1024 * 1024,
  /** Bytes of what a handler tells beside its result, as received. */
  metadataBytesMax: 64 * 1024,
  /** Bytes of a domain event's payload that a worker gives, and of its metadata. */
  domainEventBytesMax: 1024 * 1024,
  domainEventMetadataBytesMax: 64 * 1024,
  /** Characters of a failure's message; the rest is cut. */
  failureMessageCharsMax: 8 * 1024,
  /** Characters of a failure's stack; the rest is cut. */
  failureStackCharsMax: 16 * 1024,
  /** Characters of any name. */
  nameCharsMax: 255,
  /** Characters of an expression. */
  expressionCharsMax: 2_000,
  /** Nodes an expression is made of. */
  expressionNodesMax: 500,
  /** Levels of an expression. */
  expressionDepthMax: 32,
  /** Work that evaluating an expression may do, about a node or an element of a list each. */
  expressionStepsMax: 100_000,
  /** Characters of a key that was made of an expression. */
  keyCharsMax: 512,
  /** Characters of a version. */
  versionCharsMax: 50,
  /** Characters of the reason a task is submitted for. */
  reasonCharsMax: 500,
  /** How far a priority may be from 0, either way; what a task and its step add up to is cut to it. */
  priorityMax: 100,
  /** Places a key may have. */
  keyPlacesMax: 10_000,
  /** How often the holders of keys are asked whether they still hold. */
  keyCheckMs: ms(60_000),
  /** Points of priority that a minute of waiting is worth. */
  priorityPointsPerMinute: 10,
  /** How long the start of a task may be delayed. */
  delayMsMax: ms(10 * 366 * 24 * 3_600_000),
  /** Tags of a task. */
  tagsMax: 64,
  /** Bytes of a gRPC message that clients should stay below. */
  grpcMessageBytesMax: 16 * 1024 * 1024,
  /** Bytes after which the transport drops the stream; above the promise so that a too large result gets an answer. */
  grpcTransportBytesMax: 64 * 1024 * 1024,
  /** Attempts a retry policy may allow. */
  retryAttemptsMax: 1_000,
  /** The longest delay between two attempts. */
  retryDelayMsMax: ms(30 * 24 * 60 * 60 * 1_000),
  /** How long an identity may count when its template gives it a window. */
  identityWindowMsMax: ms(366 * 24 * 60 * 60 * 1_000),
  /** Reported failures a step's state remembers, to know a repeated report when it comes. */
  reportedFailuresKeptMax: 4,
  /** Attempts of a step of which is remembered that a late result was recorded as ignored. */
  ignoredAttemptsKeptMax: 100,
  /** How long a step may run when its template does not say. */
  stepTimeoutMsDefault: ms(60_000),
  /** How long the child of a step may run when its template does not say: as good as for ever. */
  functionStepTimeoutMsDefault: ms(10 * 366 * 24 * 3_600_000),
  /** How long a cancelled task waits for its running steps. */
  cancelGraceMs: ms(10_000),
  /** How long a broken worker stream may take to come back. */
  workerGraceMs: ms(10_000),
  /** How long a live worker stream may be silent. */
  workerSilenceMs: ms(30_000),
  /** Dead letters that are kept of one task; the oldest go first. */
  deadLettersKeptMax: 20,
  /** Steps that a dead letter shows of its task. */
  deadLetterSnapshotStepsMax: 50,
  /** Characters of the notes on a dead letter. */
  deadLetterNotesCharsMax: 8 * 1024,
  /** Bytes of the metadata of a dead letter. */
  deadLetterMetadataBytesMax: 16 * 1024,
  /** How long steps may wait in a queue that no worker serves before that is reported. */
  workerUnavailableMs: ms(5_000),
  /** How long before such a step makes a dead letter of its task. */
  workerUnavailableDeadLetterMs: ms(10 * 60_000),
  /** Dead letters that one look at one queue without workers makes at most. */
  unservedStepsMax: 500,
  /** Events between two snapshots of a task; shorter histories have none. */
  snapshotEvents: 500,
  /** Characters of a snapshot; a larger state is folded from its history. */
  snapshotCharsMax: 16 * 1024 * 1024,
  /** Commits that may wait for the log before new commands are turned away, and characters of their events. */
  waitingCommitsMax: 50_000,
  waitingCharsMax: 64 * 1024 * 1024,
  /** Tasks with changes that are not in the rows yet before new commands are turned away and no waiting step is started, and their bytes. */
  unprojectedTasksMax: 50_000,
  unprojectedBytesMax: 128 * 1024 * 1024,
  /** Entries of one queue that are in memory; the others are rows. */
  windowEntriesMax: 10_000,
  /** Timers in memory, those of attempts aside; the others are rows. */
  timerWindowEntriesMax: 50_000,
  /** Timers that were fired and wait for their task, or for the log, at once. */
  timersFiredMax: 2_000,
  /** Timers due within this span are in memory. */
  timerHorizonMs: ms(60_000),
  /** How often a server makes sure that it can commit. */
  commitProbeMs: ms(2_000),
  /** How long that may take before the server is not ready. */
  commitProbeSilentMs: ms(5_000),
  /** How far the clock may be off the database's before the server is not ready. */
  clockOffsetMsMax: ms(5_000),
  /** How often a worker should be heard. */
  workerHeartbeatMs: ms(5_000),
  /** Slots one worker may offer. */
  workerSlotsMax: 10_000,
  /** Links of the chain of reasons of one step, and of all steps of an explanation. */
  explainChainMax: 20,
  explainLinksMax: 2_000,
  /** Steps of an explanation for which commands are worked out. */
  explainCommandsMax: 50,
  /** Characters of a value that an explanation, a comparison or a replay shows; the rest is cut. */
  shownValueCharsMax: 1_000,
  /** Events of each of two tasks that are compared one by one, and changed places of payloads that are listed. */
  diffEventsMax: 100_000,
  diffChangesMax: 200,
  /** Steps that a comparison lists. */
  diffStepsMax: 1_000,
  /** Holders of a key that an explanation names. */
  explainHoldersMax: 10,
  /** Operations of a durable function since it began or last continued: steps, timers, signals to others. */
  functionOperationsMax: 10_000,
  /** Names of state that a durable function may show. */
  functionStateKeysMax: 100,
  /** Children that a durable function waits for at once. */
  openChildrenMax: 2_000,
  /** What tasks have to say to their children and parents: at once, and waiting before no more steps are started. */
  childErrandsMax: 500,
  childErrandsWaitingMax: 100_000,
  /** Children that a task is shown with, and tasks below it in a graph or an explanation. */
  childrenShownMax: 1_000,
  familyShownMax: 100,
  /** Tasks that a child may have above it. */
  childDepthMax: 50,
  /** Signals of a durable function since it began, or that it kept when it last continued. */
  signalsKeptMax: 10_000,
  /** How long the run of a durable function may leave its journal as it is, before it counts as lost. */
  functionQuietMs: ms(60 * 60_000),
  /** The wait before a durable function is run again whose worker was lost: the first, and the longest it doubles to. */
  functionRetryMsMin: ms(1_000),
  functionRetryMsMax: ms(60_000),
  /** Request ids of signals that a task remembers, to know a repeat when it comes. */
  signalRequestsKeptMax: 1_000,
  /** Characters of the key of an operation of a durable function: its scopes and its name. */
  journalKeyCharsMax: 2_048,
  /** Updates of a durable function since it began or last continued. */
  updatesKeptMax: 10_000,
  /** Updates that a task remembers with their answers, to tell a repeat the same; those that are open come on top. */
  updatesRememberedMax: 1_000,
  /** Bytes of the payload of an update, and of its answer. */
  updateBytesMax: 65_536,
  /** Bytes of the payload of a signal, and of a value that a durable function shows. */
  signalBytesMax: 256 * 1024,
  functionStateBytesMax: 64 * 1024,
  /** Facts at the end of a journal that are read one by one when a key is looked for. */
  journalFactsUnindexed: 32,
  /** Characters of journal that go to a worker in one piece; a longer journal follows its command in others. */
  journalPieceCharsMax: 1024 * 1024,
  /** Suspended functions of which a server remembers which worker keeps them in its memory. */
  keptFunctionsMax: 100_000,
  /** Characters of a cron expression, and expressions, intervals and calendars of one schedule. */
  cronCharsMax: 200,
  scheduleTimesMax: 50,
  /** The shortest interval of a schedule. */
  scheduleIntervalMsMin: ms(1_000),
  /** How far firings may be moved. */
  scheduleJitterMsMax: ms(24 * 3_600_000),
  /** How old firings may be that are made up for: when not said, and at most. */
  scheduleCatchUpMsDefault: ms(24 * 3_600_000),
  scheduleCatchUpMsMax: ms(366 * 24 * 3_600_000),
  /** Schedules of a server. */
  schedulesMax: 10_000,
  /** Firings of one schedule that wait for the tasks that run. */
  scheduleBufferedMax: 1_000,
  /** Firings of one schedule whose tasks are not over, those that wait after a backfill included. */
  scheduleFiringsMax: 2_000,
  /** Times that one backfill may have. */
  scheduleBackfillMax: 1_000,
  /** Times that one commit of a schedule decides about; the next commit goes on. */
  scheduleDecisionsMax: 100,
  /** Missed times that are counted; of more only that there are so many. */
  scheduleMissedCountedMax: 1_000,
  /** Characters of a schedule's name, and of the note of a pause. */
  scheduleNameCharsMax: 200,
  scheduleNoteCharsMax: 1_000,
  /** Firings and skips that a schedule remembers for people, and next firings that it shows. */
  scheduleLastShown: 10,
  scheduleNextShown: 10,
  /** Items of a page, when not said and at most. */
  pageItemsDefault: 50,
  pageItemsMax: 500,
  /** The longest a `result` or a consistency token waits. */
  resultWaitMsMax: ms(60_000),
  consistencyWaitMsMax: ms(2_000),
} as const
