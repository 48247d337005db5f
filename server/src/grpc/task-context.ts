/** `GetContext`: what went into a task and what its steps gave. */
import { elementAt, type JsonText, type LiveTask, outputOf, sliceMembers, trustedJson } from '@tasker/core'
import type { GetContextRequest, GetContextResponse } from '@tasker/proto'
import { Fault } from '../faults.js'
import type { GrpcDoor } from './door.js'
import { taskNotFound } from './input-faults.js'
import { payloadOf } from './payload.js'
import { requiredTaskId } from './unary.js'

/** Where the outputs stand in the merged object. */
const STEPS = 'steps'

export const getContext = async (door: GrpcDoor, request: GetContextRequest): Promise<GetContextResponse> => {
  const taskId = requiredTaskId(request.taskId)
  const snapshot = await door.engine.read(taskId)
  if (snapshot === undefined) throw new Fault(taskNotFound(taskId))
  const { state } = snapshot
  const outputs = outputsOf(state)
  return {
    inputs: payloadOf(state.submitted.context),
    outputs: payloadOf(outputs),
    merged: payloadOf(mergedWith(state.submitted.context, outputs)),
  }
}

const outputsOf = (task: LiveTask): JsonText => {
  const members = task.steps.flatMap((_, index) => {
    const output = outputOf(task, index)
    return output === undefined
      ? []
      : [`${JSON.stringify(elementAt(task.graph.steps, index, 'steps of the graph').name)}:${output}`]
  })
  return trustedJson(`{${members.join(',')}}`)
}

/** Members are spliced byte for byte: a number that a double cannot hold comes back as it was sent. */
const mergedWith = (context: JsonText, outputs: JsonText): JsonText => {
  const members: string[] = []
  for (const [name, value] of sliceMembers(context)) if (name !== STEPS) members.push(`${JSON.stringify(name)}:${value}`)
  members.push(`"${STEPS}":${outputs}`)
  return trustedJson(`{${members.join(',')}}`)
}
