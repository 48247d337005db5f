/**
 * Writes an attempt as the worker's stream carries it. This runs once a step, so what is the same for all tasks of a plan is made once a plan,
 * a small context once a task, and the rest is one literal of a stable shape.
 */
import {
  attemptsAllowed,
  elementAt,
  isTakingBack,
  JSON_NULL,
  jsonOf,
  outputOf,
  runOf,
  visibleTo,
  type JsonText,
  type LiveTask,
  type StepGraph,
  type StepRun,
  type StepState,
  type TaskSubmitted,
} from '@tasker/core'
import type {
  Batch,
  BatchLimits,
  Checkpoint,
  Compensation,
  DependencyResult,
  EventDeclaration,
  FunctionRun,
  Payload,
  StepCommand as WireCommand,
} from '@tasker/proto'
import type { StepCommand } from '../engine/api.js'
import { batchAt, checkpointAt } from './batch-message.js'
import { entriesBytes, functionRun } from './journal-message.js'
import { payloadOf } from './payload.js'

/** Contexts up to this length are kept encoded beside their task; longer ones are encoded each time, so that memory holds them once. */
const CONTEXT_KEPT_CHARS_MAX = 16 * 1024
/** Bytes of a command beside its payloads: names, numbers and framing. */
const COMMAND_BYTES_BASE = 256

/** What all tasks of a plan have in common at one step. */
interface StepFace {
  readonly handler: string
  readonly method: string
  readonly config: Payload
  readonly maxAttempts: number
  readonly timeoutMs: number
  readonly heartbeatMs: number
  readonly stepType: string
  readonly resolver: string
  readonly batchLimits: BatchLimits | undefined
  readonly eventDeclarations: EventDeclaration[]
  readonly shown: readonly { readonly index: number; readonly stepId: string }[]
}

/** By graph, which is its plan for every task without steps of its own. */
const faces = new WeakMap<StepGraph, (StepFace | undefined)[]>()
const contexts = new WeakMap<TaskSubmitted, Payload>()

export const wireCommand = (command: StepCommand): WireCommand => {
  const { task, stepIndex } = command
  const { submitted } = task
  const face = isTakingBack(task, stepIndex) ? undoFaceOf(task, stepIndex) : faceAt(task, stepIndex)
  const state = elementAt(task.steps, stepIndex, 'a step of the task')
  return {
    ref: { taskId: command.taskId, stepId: command.step, attempt: command.attempt },
    handler: face.handler,
    method: face.method,
    namespace: submitted.namespace,
    templateName: submitted.name,
    templateVersion: submitted.version,
    correlationId: submitted.correlationId,
    input: command.run === undefined ? inputOf(task, stepIndex) : undefined,
    config: face.config,
    dependencies: dependenciesOf(face, task),
    attemptsSinceReset: state.attemptsSinceReset,
    maxAttempts: face.maxAttempts,
    timeoutMs: face.timeoutMs,
    heartbeatMs: face.heartbeatMs,
    stepType: face.stepType,
    resolver: face.resolver,
    batch: task.batches.length === 0 ? undefined : batchAt(task, stepIndex),
    checkpoint: task.checkpoints.size === 0 ? undefined : checkpointAt(task, stepIndex),
    batchLimits: face.batchLimits,
    eventDeclarations: face.eventDeclarations,
    compensation: task.compensation === undefined ? undefined : compensationOf(task, stepIndex),
    function: command.run === undefined ? undefined : functionRun(task, command.run),
  }
}

/** About how many bytes the command takes on the wire, from above for all but absurd names. */
export const commandBytes = (command: WireCommand): number => {
  let bytes = COMMAND_BYTES_BASE + (command.input?.data.length ?? 0) + (command.config?.data.length ?? 0)
  if (command.function !== undefined) bytes += runBytes(command.function)
  bytes += batchBytes(command.batch) + checkpointBytes(command.checkpoint)
  for (const dependency of command.dependencies) bytes += dependency.stepId.length + (dependency.output?.data.length ?? 0) + 16
  return bytes
}

const runBytes = ({ input, entries }: FunctionRun): number => payloadBytes(input) + entriesBytes(entries)

const batchBytes = (batch: Batch | undefined): number =>
  batch === undefined
    ? 0
    : 4 * (batch.id.length + batch.workerTemplate.length) + payloadBytes(batch.start) + payloadBytes(batch.end)

const checkpointBytes = (saved: Checkpoint | undefined): number =>
  saved === undefined ? 0 : payloadBytes(saved.cursor) + payloadBytes(saved.accumulated)

const payloadBytes = (payload: Payload | undefined): number => (payload?.data.length ?? 0) + 16

const faceAt = (task: LiveTask, index: number): StepFace => {
  let made = faces.get(task.graph)
  if (made === undefined) {
    made = task.graph.steps.map(() => undefined)
    faces.set(task.graph, made)
  }
  const face = made[index] ?? faceOf(task, index, runOf(task, index))
  made[index] = face
  return face
}

/** Taking back is rare, so its face is made each time. */
const undoFaceOf = (task: LiveTask, index: number): StepFace => ({
  ...faceOf(task, index, runOf(task, index)),
  eventDeclarations: [],
})

const compensationOf = (task: LiveTask, index: number): Compensation | undefined => {
  const result = isTakingBack(task, index) ? outputOf(task, index) : undefined
  return result === undefined ? undefined : { result: payloadOf(result) }
}

const faceOf = (task: LiveTask, index: number, run: StepRun): StepFace => {
  const step = elementAt(task.graph.steps, index, 'a step of the graph')
  return {
    handler: run.handler.callable,
    method: run.handler.method,
    resolver: run.handler.resolver ?? '',
    config: payloadOf(jsonOf(run.handler.initialization)),
    maxAttempts: run.retry.retryable ? attemptsAllowed(run.retry) : 1,
    timeoutMs: run.timeoutMs,
    heartbeatMs: run.heartbeatMs ?? 0,
    stepType: step.type,
    batchLimits: limitsAt(task, index),
    eventDeclarations: step.publishes.map(({ name, condition, delivery, publisher }) => ({
      name,
      condition,
      deliveryMode: delivery,
      publisher: publisher ?? '',
    })),
    shown: visibleTo(task, index).map((shown) => ({
      index: shown,
      stepId: elementAt(task.graph.steps, shown, 'a dependency').name,
    })),
  }
}

const limitsAt = ({ plan }: LiveTask, index: number): BatchLimits | undefined => {
  const spec = plan.batches.find(({ batchable }) => batchable === index)
  if (spec === undefined) return undefined
  const { batchSize, maxWorkers, parallelism, cursorField } = spec
  const { name } = elementAt(plan.steps, spec.workerTemplate, 'the worker template')
  return { workerTemplate: name, batchSize, maxWorkers, parallelism, cursorField }
}

/** The handler of a call is given what its function said, and every other step the task's context. */
const inputOf = ({ graph, submitted }: LiveTask, index: number): Payload => {
  const call = graph.steps[index]?.call
  return call === undefined ? contextOf(submitted) : payloadOf(call.input)
}

const contextOf = (submitted: TaskSubmitted): Payload => {
  if (submitted.context.length > CONTEXT_KEPT_CHARS_MAX) return payloadOf(submitted.context)
  const kept = contexts.get(submitted)
  if (kept !== undefined) return kept
  const made = payloadOf(submitted.context)
  contexts.set(submitted, made)
  return made
}

const dependenciesOf = (face: StepFace, task: LiveTask): DependencyResult[] => {
  const results: DependencyResult[] = []
  for (const { index, stepId } of face.shown) {
    const output = shownOutput(task, index)
    if (output !== undefined) results.push({ stepId, output: payloadOf(output) })
  }
  return results
}

/** What ended without a result and holds nobody up is null to those behind it. */
const shownOutput = (task: LiveTask, index: number): JsonText | undefined => {
  const output = outputOf(task, index)
  if (output !== undefined) return output
  const { status }: StepState = elementAt(task.steps, index, 'a dependency')
  return status === 'skipped' || status === 'resolved_manually' || status === 'error' ? JSON_NULL : undefined
}
