/** The calls of `TaskService` that explain: why steps do not run, and what taking the task back does. */
import { compensationPreview, type StepExplanation, type TaskReason } from '@tasker/core'
import type {
  DiffRequest,
  DiffResponse,
  ExplainRequest,
  ExplainResponse,
  GetCompensationRequest,
  GetCompensationResponse,
  StepExplanation as WireStep,
  TaskReason as WireReason,
} from '@tasker/proto'
import { compareTasks, comparisonText } from '../query/comparison.js'
import { explanationOf } from '../query/explanation.js'
import type { EngineDoor } from './door.js'
import { payloadOf } from './payload.js'
import { taskAt, wireAsOf } from './task-moment.js'

export const explain = async (door: EngineDoor, request: ExplainRequest): Promise<ExplainResponse> => {
  const snapshot = await taskAt(door, request)
  const { status, reasons, steps } = explanationOf(door.engine, snapshot)
  return { status, reasons: reasons.map(wireReason), steps: steps.map(wireStep), asOf: wireAsOf(snapshot) }
}

const wireReason = ({ until, commands, ...told }: TaskReason): WireReason => ({
  ...told,
  untilMs: until ?? 0,
  commands: [...commands],
})

const wireStep = (told: StepExplanation): WireStep => ({
  stepId: told.step,
  status: told.status,
  reason: told.reason,
  why: told.why,
  unblockedBy: told.unblockedBy,
  waitsFor: [...told.waitsFor],
  sinceMs: told.since,
  untilMs: told.until ?? 0,
  chain: told.chain.map(({ step, waitsFor, ...link }) => ({ stepId: step, waitsFor: [...waitsFor], ...link })),
  rootCauses: [...told.rootCauses],
  chainCut: told.chainCut,
  heldBy: told.heldBy.map(({ step, since, freeAt, ...place }) => ({
    stepId: step,
    sinceMs: since,
    freeAtMs: freeAt ?? 0,
    ...place,
  })),
  commands: [...told.commands],
  inputs: told.inputs.map(({ path, value }) => ({ path, value: value?.text, cutFrom: value?.cutFrom ?? 0 })),
})

export const diff = async (door: EngineDoor, request: DiffRequest): Promise<DiffResponse> => {
  const a = await taskAt(door, request)
  const b = await taskAt(door, { taskId: request.otherTaskId })
  const found = await compareTasks(door.engine, a, b)
  return { same: found.same, diff: payloadOf(comparisonText(a, b, found)) }
}

export const getCompensation = async (door: EngineDoor, request: GetCompensationRequest): Promise<GetCompensationResponse> => {
  const { state, steps, withoutWayBack } = compensationPreview((await taskAt(door, request)).state)
  return {
    state,
    steps: steps.map(({ step, after, ...more }) => ({ stepId: step, after: [...after], ...more })),
    withoutWayBack: [...withoutWayBack],
  }
}
