/** The front door of the SDK. */

// For people who write tasks, workers and clients.
export { defineTask, type TaskBuilder, type TaskDefinition, type TaskResult } from './definition/task.js'
export {
  defineApiStep,
  defineBatchAnalyzer,
  defineBatchWorker,
  defineDecision,
  defineStep,
  type DefineHandler,
  type HandlerOptions,
  type StepDefinition,
} from './definition/step.js'
export { StepHandler, type HandlerObject } from './definition/step-handler.js'
export type { Concurrency, RateLimit } from './definition/keys.js'
export type {
  CompensateOptions,
  FunctionWorkOptions,
  IdentityOptions,
  PublishedEventOptions,
  RetryOptions,
  StepOptions,
  TaskOptions,
} from './definition/options.js'
export type { StepDocument, TemplateDocument } from './definition/template.js'
export type { Duration } from './duration.js'
export type {
  Compensates,
  Batch,
  BatchAnalyzerContext,
  BatchLimits,
  BatchWorkerContext,
  Checkpoint,
  DecisionContext,
  SavedCursor,
  StepContext,
} from './step/context.js'
export {
  ERROR_TYPES,
  failure,
  success,
  type Batches,
  type BatchRange,
  type Decision,
  type Failed,
  type FailureOptions,
  type StepOutcome,
  type Success,
} from './step/outcome.js'
export type { Api, ApiOptions, ApiRequest, ApiResponse } from './api/api.js'
export { httpError, httpOutcome, type HttpAnswer, type HttpOutcome } from './api/http-outcome.js'
export { classLookup, type HandlerModules } from './resolve/class-lookup.js'
export type { HandlerRequest, HandlerResolver, ResolvedHandler } from './resolve/resolver.js'
export type { JsonObject, JsonValue, Jsonified } from './step/json.js'
export { Worker, type WorkerOptions } from './worker/worker.js'
export type { AroundAttempt } from './worker/handlers.js'
export type { AroundFunctionStep, FunctionStep } from './runner/local-steps.js'
export { EventPublisher, type EventToPublish, type PublishedOutcome } from './events/event-publisher.js'
export { Subscriber, type CursorStore, type SubscriberOptions } from './events/subscriber.js'
export type { DomainEvent, DomainEventHandler } from './events/subscription.js'
export { Client, type ClientOptions, type ListOptions, type TaskPage } from './client/client.js'
export { TaskHandle, type EventsOptions, type OnWait, type ResultOptions, type UpdateOptions } from './client/handle.js'
export type { CreateScheduleOptions, ScheduleOptions, Schedules } from './client/schedules.js'
export type {
  Overlap,
  ScheduleCalendar,
  ScheduleDefinition,
  ScheduleFiring,
  ScheduleState,
  ScheduleTimes,
} from './client/schedule-wire.js'
export type { SubmitOptions, TaskRef } from './client/submission.js'
export type { StepState, TaskEvent, TaskState } from './client/task-state.js'
export type {
  AsOf,
  Compensation,
  Moment,
  StepExplanation,
  TaskDifference,
  TaskExplanation,
  TaskReason,
} from './client/task-past.js'
export {
  CancelledError,
  PermanentError,
  RetryableError,
  type HandlerErrorOptions,
  type RetryableErrorOptions,
} from './errors/handler-errors.js'
export {
  TaskBlockedError,
  TaskCancelledError,
  TaskFailedError,
  TaskResolvedError,
  UpdateFailedError,
  type BlockedStep,
} from './errors/outcome-errors.js'
export { TaskerError, type InputProblem, type TaskerErrorCode, type TaskerErrorDetail } from './errors/tasker-error.js'
export type { Failure } from './errors/failure.js'
export type { LogFields, Logger } from './logger.js'

// Durable functions.
export { defineFunction, type FunctionDefinition, type FunctionOptions } from './function/define-function.js'
export { FunctionDivergedError, replay, type Replayed } from './function/replay.js'
export type { AnyHistory, FunctionHistory, RecordedEvent, RecordedTask } from './function/recorded.js'
export { OperationFailedError } from './durable/outcome.js'
export type {
  AnyBranchResult,
  Branch,
  Branches,
  BranchResult,
  BranchResults,
  ChildDefinition,
  Continued,
  FunctionContext,
} from './durable/context.js'
export type { Divergence, Told } from './durable/divergence.js'
export type { JournalEntry, JournalFact, OperationKind, Outcome, UpdateOutcome } from './durable/entries.js'
export type {
  BranchOptions,
  CallOptions,
  ChildOptions,
  KeyOptions,
  OperationRetry,
  SignalOptions,
  SleepOptions,
  UntilOptions,
  StepScope,
  StepOptions as FunctionStepOptions,
} from './durable/options.js'
export type { Command, FunctionEnd } from './durable/port.js'

// For libraries and tests that bring their own wire or clock.
export type { Clock } from './clock.js'
export { grpcTransport, type GrpcOptions } from './wire/grpc.js'
export type { MessageStream, OpenStream, StreamListener, TaskOrder, Transport } from './wire/transport.js'
