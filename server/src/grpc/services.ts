/** The services of `tasker.v1` on a gRPC server: which function answers which call. */
import type { Server, sendUnaryData } from '@grpc/grpc-js'
import {
  AnalyticsServiceService,
  KeyServiceService,
  EventServiceService,
  StepServiceService,
  TaskServiceService,
  TemplateServiceService,
  WorkerServiceService,
  type AwaitResultResponse,
  type BulkRequest,
  type CancelRequest,
  type DiffTemplatesRequest,
  type GetBottleneckAnalysisRequest,
  type GetPerformanceMetricsRequest,
  type GetContextRequest,
  type DiffRequest,
  type ExplainRequest,
  type GetCompensationRequest,
  type GetRequest,
  type GetStepAuditRequest,
  type GetStepRequest,
  type GetTaskStateRequest,
  type GetTemplateRequest,
  type ListKeysRequest,
  type ListRequest,
  type ListStepsRequest,
  type ListTemplatesRequest,
  type OrderRequest,
  type RegisterRequest,
  type ResolveStepRequest,
  type SignalTaskRequest,
  type UpdateTaskResponse,
  type SubmitRequest,
  type ValidateTemplateRequest,
} from '@tasker/proto'
import { getBottlenecks, getPerformance } from './analytics-calls.js'
import { serveAwaitResult, type AwaitCall } from './await-result.js'
import { addDlqService } from './dead-letter-service.js'
import { addScheduleService } from './schedule-service.js'
import { tolerant } from './decoding.js'
import type { GrpcDoor } from './door.js'
import { callStatus } from './errors.js'
import { listKeys } from './key-calls.js'
import { type OpenStream, type OpenStreams } from './open-streams.js'
import { serveSession, type SessionCall } from './session-stream.js'
import { serveSubscription, type SubscribeCall } from './subscribe-stream.js'
import { bulkOrder, cancelTask, orderTask } from './order-calls.js'
import { getTaskState, signalTask } from './signal-calls.js'
import { serveUpdate, type UpdateCall } from './update-calls.js'
import { getStep, getStepAudit, listSteps, resolveStep } from './step-calls.js'
import { getTask, listTasks, submitTask } from './task-calls.js'
import { getContext } from './task-context.js'
import { diff, explain, getCompensation } from './task-explain.js'
import { checkTemplate, diffTemplates, getTemplate, listTemplates, registerTemplate } from './template-calls.js'
import { unary } from './unary.js'
import { serveWatch, type WatchCall } from './watch-stream.js'
import { serveWorker, type WorkerCall } from './worker-stream.js'

export const addServices = (server: Server, door: GrpcDoor, streams: OpenStreams): void => {
  addWorkerService(server, door, streams)
  addTaskService(server, door, streams)
  addStepService(server, door)
  addTemplateService(server, door)
  addAnalyticsService(server, door)
  addKeyService(server, door)
  addScheduleService(server, door)
  addEventService(server, door, streams)
  addDlqService(server, door)
}

const addWorkerService = (server: Server, door: GrpcDoor, streams: OpenStreams): void =>
  server.addService(
    { connect: tolerant(WorkerServiceService.connect) },
    {
      connect: (call: WorkerCall) => admit(streams, call, (ended) => serveWorker(door, call, ended)),
    },
  )

const addTaskService = (server: Server, door: GrpcDoor, streams: OpenStreams): void => {
  const { logger } = door
  server.addService(
    {
      session: tolerant(TaskServiceService.session),
      submit: tolerant(TaskServiceService.submit),
      get: tolerant(TaskServiceService.get),
      getContext: tolerant(TaskServiceService.getContext),
      explain: tolerant(TaskServiceService.explain),
      diff: tolerant(TaskServiceService.diff),
      getCompensation: tolerant(TaskServiceService.getCompensation),
      list: tolerant(TaskServiceService.list),
      cancel: tolerant(TaskServiceService.cancel),
      pause: tolerant(TaskServiceService.pause),
      resume: tolerant(TaskServiceService.resume),
      retry: tolerant(TaskServiceService.retry),
      resolve: tolerant(TaskServiceService.resolve),
      bulk: tolerant(TaskServiceService.bulk),
      signalTask: tolerant(TaskServiceService.signalTask),
      updateTask: tolerant(TaskServiceService.updateTask),
      getTaskState: tolerant(TaskServiceService.getTaskState),
      awaitResult: tolerant(TaskServiceService.awaitResult),
      watch: tolerant(TaskServiceService.watch),
    },
    {
      session: (call: SessionCall) => admit(streams, call, (ended) => serveSession(door, call, ended)),
      submit: unary(logger, (request: SubmitRequest) => submitTask(door, request)),
      get: unary(logger, (request: GetRequest) => getTask(door, request)),
      getContext: unary(logger, (request: GetContextRequest) => getContext(door, request)),
      explain: unary(logger, (request: ExplainRequest) => explain(door, request)),
      diff: unary(logger, (request: DiffRequest) => diff(door, request)),
      getCompensation: unary(logger, (request: GetCompensationRequest) => getCompensation(door, request)),
      list: unary(logger, (request: ListRequest) => listTasks(door, request)),
      cancel: unary(logger, (request: CancelRequest) => cancelTask(door, request)),
      pause: unary(logger, (request: OrderRequest) => orderTask('pause')(door, request)),
      resume: unary(logger, (request: OrderRequest) => orderTask('resume')(door, request)),
      retry: unary(logger, (request: OrderRequest) => orderTask('retry')(door, request)),
      resolve: unary(logger, (request: OrderRequest) => orderTask('resolve')(door, request)),
      bulk: unary(logger, (request: BulkRequest) => bulkOrder(door, request)),
      signalTask: unary(logger, (request: SignalTaskRequest) => signalTask(door, request)),
      getTaskState: unary(logger, (request: GetTaskStateRequest) => getTaskState(door, request)),
      updateTask: (call: UpdateCall, callback: sendUnaryData<UpdateTaskResponse>) => {
        const fault = streams.serve((ended) => serveUpdate(door, call, callback, ended))
        if (fault !== undefined) callback(callStatus(fault))
      },
      awaitResult: (call: AwaitCall, callback: sendUnaryData<AwaitResultResponse>) => {
        const fault = streams.serve((ended) => serveAwaitResult(door, call, callback, ended))
        if (fault !== undefined) callback(callStatus(fault))
      },
      watch: (call: WatchCall) => admit(streams, call, (ended) => serveWatch(door, call, ended)),
    },
  )
}

const addKeyService = (server: Server, door: GrpcDoor): void =>
  server.addService(
    { listKeys: tolerant(KeyServiceService.listKeys) },
    { listKeys: unary(door.logger, (request: ListKeysRequest) => listKeys(door, request)) },
  )

const addStepService = (server: Server, door: GrpcDoor): void => {
  const { logger } = door
  server.addService(
    {
      getStep: tolerant(StepServiceService.getStep),
      listSteps: tolerant(StepServiceService.listSteps),
      resolveStep: tolerant(StepServiceService.resolveStep),
      getStepAudit: tolerant(StepServiceService.getStepAudit),
    },
    {
      getStep: unary(logger, (request: GetStepRequest) => getStep(door, request)),
      listSteps: unary(logger, (request: ListStepsRequest) => listSteps(door, request)),
      resolveStep: unary(logger, (request: ResolveStepRequest) => resolveStep(door, request)),
      getStepAudit: unary(logger, (request: GetStepAuditRequest) => getStepAudit(door, request)),
    },
  )
}

const addTemplateService = (server: Server, door: GrpcDoor): void => {
  const { logger } = door
  server.addService(
    {
      register: tolerant(TemplateServiceService.register),
      getTemplate: tolerant(TemplateServiceService.getTemplate),
      listTemplates: tolerant(TemplateServiceService.listTemplates),
      validateTemplate: tolerant(TemplateServiceService.validateTemplate),
      diffTemplates: tolerant(TemplateServiceService.diffTemplates),
    },
    {
      register: unary(logger, (request: RegisterRequest) => registerTemplate(door, request)),
      getTemplate: unary(logger, (request: GetTemplateRequest) => getTemplate(door, request)),
      listTemplates: unary(logger, (request: ListTemplatesRequest) => listTemplates(door, request)),
      validateTemplate: unary(logger, (request: ValidateTemplateRequest) => checkTemplate(request)),
      diffTemplates: unary(logger, (request: DiffTemplatesRequest) => diffTemplates(door, request)),
    },
  )
}

const addAnalyticsService = (server: Server, door: GrpcDoor): void => {
  const { logger } = door
  server.addService(
    {
      getPerformanceMetrics: tolerant(AnalyticsServiceService.getPerformanceMetrics),
      getBottleneckAnalysis: tolerant(AnalyticsServiceService.getBottleneckAnalysis),
    },
    {
      getPerformanceMetrics: unary(logger, (request: GetPerformanceMetricsRequest) => getPerformance(door, request)),
      getBottleneckAnalysis: unary(logger, (request: GetBottleneckAnalysisRequest) => getBottlenecks(door, request)),
    },
  )
}
const addEventService = (server: Server, door: GrpcDoor, streams: OpenStreams): void =>
  server.addService(
    { subscribe: tolerant(EventServiceService.subscribe) },
    {
      subscribe: (call: SubscribeCall) => admit(streams, call, (ended) => serveSubscription(door, call, ended)),
    },
  )

/** Serves a stream, or refuses it when the server stops. */
const admit = (
  streams: OpenStreams,
  call: WorkerCall | SessionCall | WatchCall | SubscribeCall,
  serve: (ended: () => void) => OpenStream,
): void => {
  const fault = streams.serve(serve)
  if (fault !== undefined) call.emit('error', callStatus(fault))
}
