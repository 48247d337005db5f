/** The range of a worker and what a step saved, as commands and answers carry them. */
import { batchOf, elementAt, type LiveTask } from '@tasker/core'
import type { Batch, Checkpoint } from '@tasker/proto'
import { payloadOf } from './payload.js'

/** Undefined for a step that is no worker of a batch. */
export const batchAt = (task: LiveTask, index: number): Batch | undefined => {
  const run = batchOf(task, index)
  if (run === undefined) return undefined
  const { spec, first, ranges, isNoOp } = run
  const { id, start, end, size } = elementAt(ranges, index - first, 'the range of a worker')
  return {
    id,
    index: index - first,
    start: payloadOf(start),
    end: payloadOf(end),
    size,
    isNoOp,
    workerTemplate: elementAt(task.plan.steps, spec.workerTemplate, 'the worker template').name,
    count: ranges.length,
    cursorField: spec.cursorField,
    failureStrategy: spec.failureStrategy,
  }
}

/** Undefined when nothing was saved. */
export const checkpointAt = (task: LiveTask, index: number): Checkpoint | undefined => {
  const saved = task.checkpoints.get(index)
  if (saved === undefined) return undefined
  const { number, cursor, itemsProcessed, accumulated } = saved
  return {
    number,
    cursor: payloadOf(cursor),
    itemsProcessed,
    accumulated: accumulated === undefined ? undefined : payloadOf(accumulated),
  }
}
