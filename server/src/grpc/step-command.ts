/**
 * Writes an attempt as the worker's stream carries it. This runs once a step, so what is the same for all tasks of a plan is made once a plan,
 * a small context once a task, and the rest is one literal of a stable shape.
 */
import {
  attemptsAllowed,
  elementAt,
  jsonOf,
  visibleTo,
  type JsonText,
  type Plan,
  type StepState,
  type TaskSubmitted,
} from '@tasker/core'
import type { DependencyResult, Payload, StepCommand as WireCommand } from '@tasker/proto'
import type { StepCommand } from '../engine/api.js'
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
  readonly stepType: string
  readonly resolver: string
  readonly shown: readonly { readonly index: number; readonly stepId: string }[]
}

const faces = new WeakMap<Plan, readonly StepFace[]>()
const contexts = new WeakMap<TaskSubmitted, Payload>()

export const wireCommand = (command: StepCommand): WireCommand => {
  const { task, stepIndex } = command
  const { plan, submitted } = task
  const face = elementAt(facesOf(plan), stepIndex, 'a step of the plan')
  const state = elementAt(task.steps, stepIndex, 'a step of the task')
  return {
    ref: { taskId: command.taskId, stepId: command.step, attempt: command.attempt },
    handler: face.handler,
    method: face.method,
    namespace: submitted.namespace,
    templateName: submitted.name,
    templateVersion: submitted.version,
    correlationId: submitted.correlationId,
    input: contextOf(submitted),
    config: face.config,
    dependencies: dependenciesOf(face, task.steps),
    attemptsSinceReset: state.attemptsSinceReset,
    maxAttempts: face.maxAttempts,
    timeoutMs: face.timeoutMs,
    stepType: face.stepType,
    batch: undefined,
    checkpoint: undefined,
    batchLimits: undefined,
    resolver: face.resolver,
  }
}

/** About how many bytes the command takes on the wire, from above for all but absurd names. */
export const commandBytes = (command: WireCommand): number => {
  let bytes = COMMAND_BYTES_BASE + (command.input?.data.length ?? 0) + (command.config?.data.length ?? 0)
  for (const dependency of command.dependencies) bytes += dependency.stepId.length + (dependency.output?.data.length ?? 0) + 16
  return bytes
}

const facesOf = (plan: Plan): readonly StepFace[] => {
  const known = faces.get(plan)
  if (known !== undefined) return known
  const made = plan.steps.map((_, index) => faceOf(plan, index))
  faces.set(plan, made)
  return made
}

const faceOf = (plan: Plan, index: number): StepFace => {
  const step = elementAt(plan.steps, index, 'a step of the plan')
  return {
    handler: step.handler.callable,
    method: step.handler.method,
    resolver: step.handler.resolver ?? '',
    config: payloadOf(jsonOf(step.handler.initialization)),
    maxAttempts: step.retry.retryable ? attemptsAllowed(step.retry) : 1,
    timeoutMs: step.timeoutMs,
    stepType: step.type,
    shown: visibleTo(plan, index).map((shown) => ({
      index: shown,
      stepId: elementAt(plan.steps, shown, 'a dependency').name,
    })),
  }
}

const contextOf = (submitted: TaskSubmitted): Payload => {
  if (submitted.context.length > CONTEXT_KEPT_CHARS_MAX) return payloadOf(submitted.context)
  const kept = contexts.get(submitted)
  if (kept !== undefined) return kept
  const made = payloadOf(submitted.context)
  contexts.set(submitted, made)
  return made
}

const dependenciesOf = (face: StepFace, steps: readonly StepState[]): DependencyResult[] => {
  const results: DependencyResult[] = []
  for (const { index, stepId } of face.shown) {
    const output = outputOf(elementAt(steps, index, 'a dependency'))
    if (output !== undefined) results.push({ stepId, output: payloadOf(output) })
  }
  return results
}

const outputOf = (step: StepState): JsonText | undefined => (step.status === 'complete' ? step.output : undefined)
