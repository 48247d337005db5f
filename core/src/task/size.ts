/** How large the state of a task is: what bounds the memory of folded tasks and the snapshots of long ones. */
import type { LiveTask, StepState } from './state.js'

/** Characters of everything in the state that users gave: payloads, failures, tags. What is the same for all its steps is not counted. */
export const stateChars = (task: LiveTask): number => {
  let chars = task.submitted.context.length
  for (const step of task.steps) chars += stepChars(step)
  for (const { cursor, accumulated } of task.checkpoints.values()) chars += cursor.length + (accumulated?.length ?? 0)
  if (task.journal !== undefined) for (const { call } of task.graph.steps) chars += call?.input.length ?? 0
  for (const run of task.batches) for (const { start, end } of run.ranges) chars += start.length + end.length
  for (const step of task.compensation?.undone.values() ?? []) chars += stepChars(step)
  for (const { notes, metadata } of task.deadLetters.entries) chars += (notes?.length ?? 0) + (metadata?.length ?? 0)
  return chars
}

const stepChars = (step: StepState): number => {
  let chars = 'output' in step ? step.output.length : 0
  if (step.lastFailure !== undefined) chars += step.lastFailure.message.length + (step.lastFailure.stack?.length ?? 0)
  for (const { failure } of step.reported) chars += failure.message.length + (failure.stack?.length ?? 0)
  return chars
}
