/** The front of the core: everything the server and its tests may use. */
export { type Brand } from './kernel/brand.js'
export { type Instant, type DurationMs, instant, durationMs, later, latest, instantText } from './kernel/instant.js'
export { type Json, type JsonText, trustedJson, jsonOf, JSON_NULL } from './kernel/json.js'
export { BugError, invariant, unreachable, elementAt, present } from './kernel/invariant.js'
export { type Decider, type Decision, fold } from './kernel/decider.js'
export {
  type TaskId,
  type StepId,
  type Namespace,
  type WorkerId,
  type HandlerName,
  type TemplateHash,
  type Partition,
  type Version,
  stepId,
  namespaceOf,
  workerId,
  handlerName,
  templateHash,
  partitionNumber,
  versionNumber,
  parseTaskId,
  taskIdFrom,
  taskIdTime,
  partitionOfTask,
} from './kernel/ids.js'
export { LIMITS } from './limits.js'
export {
  type Expression,
  type ExpressionReading,
  type Evaluation,
  type Roots,
  readExpression,
  evaluateExpression,
  evaluateCondition,
} from './expression/expression.js'
export { type KeyTemplate, type KeyReading, type KeyEvaluation, readKey, evaluateKey } from './expression/key.js'
export { type Backoff, type RetryPolicy, DEFAULT_RETRY_POLICY } from './retry/policy.js'
export { inEnvironment } from './template/environment.js'
export { identityReleased } from './task/identity.js'
export {
  type IdentityRule,
  type Template,
  type Join,
  type OnFailure,
  type StepSpec,
  type StepType,
  type HandlerSpec,
} from './template/template.js'

export { type Plan, planOf, planUnder, type StepGraph } from './template/plan.js'
export { type Lifecycle, type StalenessAction, type WatchedState, NO_LIFECYCLE, WATCHED_STATES } from './template/lifecycle.js'
export { type StepChoice, type BatchRange } from './task/choice.js'
export { type BatchConfig, type BatchSpec, type FailureStrategy } from './template/batch-spec.js'
export { type Failure, timeoutFailure } from './task/failure.js'
export {
  type EventCondition,
  type EventDelivery,
  type EventOutcome,
  type PublishedEvent,
  speaksOf,
} from './template/published-event.js'
export { type CausedEvent } from './task/domain-event.js'
export { type EventNote, type EventNotes, type EventProblem } from './task/event-note.js'
export { fastDomainEvents, type FastEvent } from './task/decide/domain-events.js'
export {
  ARCHIVED_STATUSES,
  type ArchivedStatus,
  type DomainEventRecorded,
  type TaskArchived,
  type TaskEvent,
  type TaskEventType,
  type TaskSubmitted,
  type StepCompletedManually,
  type StepsCreated,
  TERMINAL_EVENTS,
} from './task/events.js'
export { TIMEOUT_KINDS, type TimeoutKind } from './task/timeout-kind.js'
export {
  type TaskCommand,
  type CompleteStep,
  type SubmitTask,
  type CancelTask,
  type DeadLetterTask,
  type UpdateDeadLetter,
  type PauseTask,
  type ResumeTask,
  type RetryTask,
  type SignalTask,
  type UpdateTask,
  type AfterRecord,
  type ResolveTask,
  type ResetStep,
  type ResolveStep,
  type CompleteStepByHand,
  type ArchiveTask,
} from './task/commands.js'
export { type TaskRefusal, type TaskRefusalReason, type RefusalCode } from './task/refusals.js'
export {
  type TaskState,
  type LiveTask,
  type ArchivedTask,
  type NoTask,
  type TaskPhase,
  type StepState,
  type StepStatus,
  type BatchRun,
  type Checkpoint,
  NO_TASK,
  isTerminal,
} from './task/state.js'
export { type Cause, type RecordedTaskEvent } from './task/recorded.js'
export { type TaskStatus, taskStatus } from './task/status.js'
export { type TaskRow, type ReadyRow, type TimerRow, type TimerKind, type DeadLetterRow } from './projections/rows.js'
export { type JsonScan, type JsonFault, type JsonFaultCode, JSON_DEPTH_MAX, scanJson, parseJson } from './kernel/json-scan.js'
export { sliceMembers, sliceElements, eachMember } from './kernel/json-slice.js'
export { jsonPointer, pointerSegments } from './kernel/json-pointer.js'
export { delayBefore } from './retry/delay.js'
export { attemptsAllowed, retryAllowed } from './retry/allowed.js'
export {
  type DeadLetter,
  type DeadLetters,
  type DeadLetterReason,
  type DeadLetterStatus,
  DEAD_LETTER_REASONS,
  DEAD_LETTER_STATUSES,
  letterId,
  NO_DEAD_LETTERS,
  pendingLetter,
} from './task/letters/dead-letter.js'
export { type Staleness, type StalenessHealth, stalenessOf } from './task/letters/monitor.js'
export { INVESTIGATION_BASE, investigationPriority } from './projections/investigation.js'
export { type HeardSteps, staleAt } from './task/letters/staleness.js'
export { decide } from './task/decide.js'
export { archivedTask, evolve } from './task/evolve.js'
export { archivesAnything, readRetention, type Retention, retentionAge } from './retention/retention.js'
export { attemptsStarted } from './task/attempts.js'
export { stateChars } from './task/size.js'
export {
  type StepRun,
  type UndoState,
  isTakingBack,
  outputOf,
  runOf,
  undoOrder,
  undoStateOf,
} from './task/compensation.js'
export { type Moment, hadHappened } from './history/moment.js'
export { type JsonChange, type JsonChanges, jsonChanges } from './kernel/json-diff.js'
export { type ReplayFrame, type StepChange, replayFrame } from './history/replay.js'
export { TaskDigest } from './history/digest.js'
export { diffTasks, type TaskDiff, type StepDiff, type Sides } from './history/diff.js'
export { compensationPreview } from './explain/compensation-preview.js'
export { explainTask, type TaskExplanation } from './explain/explain.js'
export {
  type KeyPlaceHolder,
  type Offering,
  type StepExplanation,
  type Surroundings,
  type TaskReason,
  TASK_REASONS,
  WAIT_REASONS,
} from './explain/reasons.js'
export { type Shown, shownText } from './kernel/shown.js'
export { type ReadValue, valuesRead } from './expression/reads.js'
export { taskResult } from './task/outcome.js'
export { taskOverview, type TaskOverview } from './task/overview.js'
export { batchOf, blockingSteps, existingSteps, mayBeTimed, mayStart, notTakenSteps } from './task/step-groups.js'
export { type Readiness, readinessOf } from './graph/readiness.js'
export { conditionHolds, expressionRoots } from './task/expression-roots.js'
export { STEP_TRANSITIONS, PHASE_TRANSITIONS } from './task/transitions.js'
export { stepView, stepViewText } from './projections/step-view.js'
export { type StepReadiness, stepReadiness } from './projections/step-readiness.js'
export { type StepAuditEntry, StepAudit } from './projections/step-audit.js'
export { taskRow } from './projections/task-row.js'
export { type ActivityRow, activityKey, activityRows, addedActivity } from './projections/activity.js'
export { deadLetterRow, deadLetterRows } from './projections/dead-letter-row.js'
export { queueHandler, readyRows, stepPriority } from './projections/ready-step.js'
export { type KeyKind, type KeyName, type KeyGate, type KeyLimit, type KeySpec, keyOfQueue, keyQueue } from './key/key.js'
export { type KeyState, type Place, type PlaceRef, NO_KEY, placeId } from './key/state.js'
export { type KeyEvent, type KeyReleaseReason } from './key/events.js'
export { type KeyCommand, keyStream } from './key/decide.js'
export { type KeyRow } from './key/row.js'
export { keyGate } from './key/gate.js'
export { type Holding, holdingOf } from './key/holding.js'
export { type CalendarSpec, type IntervalSpec, type ScheduleSpec } from './schedule/spec.js'
export { OVERLAPS, type Overlap, type ScheduledTask, type ScheduleDefinition } from './schedule/definition.js'
export { type ScheduleProblem, scheduleProblems } from './schedule/problems.js'
export {
  FIRED_BY,
  type FiredBy,
  FIRING_OUTCOMES,
  type FiringOutcome,
  type ScheduleEvent,
  type ScheduleFired,
  SKIP_REASONS,
} from './schedule/events.js'
export {
  type Firing,
  type LiveSchedule,
  NO_SCHEDULE,
  type PastFiring,
  type ScheduleState,
  type Skip,
  type Waiting,
} from './schedule/state.js'
export { type ScheduleCommand, type ScheduleRefusal } from './schedule/commands.js'
export { decideSchedule, scheduleDueAt, upcoming } from './schedule/decide.js'
export { evolveSchedule } from './schedule/evolve.js'
export { dueAt, jitterOf, nextNominal, nominalTimes } from './schedule/next.js'
export { type ScheduleRow } from './schedule/row.js'
export { type QueueName, handlerOfQueue, handlerQueue, isFunctionQueue, queueName } from './queue/name.js'
export { PRIORITY_POINT_MS, compareRanked, readyRank } from './queue/order.js'
export { timerRows } from './projections/timer.js'
export { canonicalText } from './kernel/json-canonical.js'
export { doubleHolds } from './kernel/json-number.js'
export { cyclesOf } from './graph/cycles.js'
export { topologicalOrder } from './graph/order.js'
export { branchesOf } from './graph/branches.js'
export { withCalls, withWorkers } from './graph/grown.js'
export { callStepName, type CallOf, callTarget } from './function/call.js'
export { callStep } from './function/call-step.js'
export { ancestorsOf, visibleTo } from './graph/ancestors.js'
export { type GraphView, type GraphNode, type GraphEdge, graphView } from './graph/view.js'
export { type ChildGraph, familyMermaid, graphMermaid } from './graph/mermaid.js'
export {
  type TemplateNote,
  type TemplateNoteCode,
  type TemplateProblem,
  type TemplateProblemCode,
  type TemplateWarning,
  type TemplateWarningCode,
  PROBLEMS_MAX,
} from './template/problem.js'
export { type TemplateCheck, validateTemplate } from './template/validate.js'
export { CHANGES_MAX, compareDocuments, type DocumentChange } from './template/compare.js'
export { type Semver, parseSemver, compareSemver, latestVersion } from './template/semver.js'
export {
  type TemplateEvent,
  type TemplateRegistered,
  type TemplateReplaced,
  type RegisterTemplate,
  type TemplateRefusal,
  type TemplateStream,
  type RegisteredContent,
  NO_TEMPLATE,
  latestRegistered,
  templateStream,
} from './template/registration.js'
export type {
  EffectRecorded,
  FunctionEvent,
  FunctionTimerKind,
  JournalFact,
  SignalReceived,
  UpdateAnswered,
  UpdateOutcome,
  UpdateReceived,
  CallsCreated,
  JournalEvent,
} from './function/events.js'
export type { EffectOutcome } from './function/outcome.js'
export type { ChildOver, FunctionCommand, JournalProposal } from './function/commands.js'
export type { ChildAsked, ChildEnded, ChildSpec, ChildStarted, OpenChildren } from './function/child.js'
export { calledFunction, childOfWorker, childWorker, functionInput, runsChild, stepChildren } from './task/function-step.js'
export { childrenOf, type ChildView } from './task/children.js'
export { holdsChild, isLinked } from './task/links.js'
export { PARENT_CLOSES, type ParentClose, type ParentLink } from './task/parent.js'
export type { FunctionRefusal, FunctionRefusalReason } from './function/refusals.js'
export {
  dueTimers,
  type FunctionJournal,
  emptyJournal,
  evolveJournal,
  factsOf,
  letRun,
  nextDueAt,
  factList,
} from './function/journal.js'
export { type JournalLink } from './function/links.js'
export { NO_TIMERS, openTimer, openTimersOf, type OpenTimer, withTimer } from './function/open-timers.js'
export { decideJournal } from './function/decide.js'
export { functionTemplate, RUN_STEP, type FunctionSpec } from './function/template.js'
export { isSuspended } from './task/suspended.js'
