/** The calls of `TaskService` that explain: why steps do not run, and what taking the task back does. */
import { compensationPreview } from '@tasker/core'
import type { ExplainRequest, ExplainResponse, GetCompensationRequest, GetCompensationResponse } from '@tasker/proto'
import type { TaskSnapshot } from '../engine/api.js'
import { Fault } from '../faults.js'
import { explanationOf } from '../query/explanation.js'
import type { GrpcDoor } from './door.js'
import { taskNotFound } from './input-faults.js'
import { requiredTaskId } from './unary.js'

export const explain = async (door: GrpcDoor, request: ExplainRequest): Promise<ExplainResponse> => {
  const { status, steps } = explanationOf(door.engine, await taskOf(door, request.taskId))
  return { status, steps: steps.map(({ step, waitsFor, ...more }) => ({ stepId: step, waitsFor: [...waitsFor], ...more })) }
}

export const getCompensation = async (door: GrpcDoor, request: GetCompensationRequest): Promise<GetCompensationResponse> => {
  const { state, steps, withoutWayBack } = compensationPreview((await taskOf(door, request.taskId)).state)
  return {
    state,
    steps: steps.map(({ step, after, ...more }) => ({ stepId: step, after: [...after], ...more })),
    withoutWayBack: [...withoutWayBack],
  }
}

const taskOf = async (door: GrpcDoor, text: string): Promise<TaskSnapshot> => {
  const taskId = requiredTaskId(text)
  const snapshot = await door.engine.read(taskId)
  if (snapshot === undefined) throw new Fault(taskNotFound(taskId))
  return snapshot
}
