/** Steps that wait in a queue, for tests of what orders them. */
import {
  compareRanked,
  type HandlerName,
  handlerName,
  handlerQueue,
  type Instant,
  instant,
  type Namespace,
  namespaceOf,
  type ReadyRow,
  readyRank,
  type StepId,
  stepId,
  type TaskId,
} from '@tasker/core'
import { type QueueRequest, type QueueScan, scanQueue, shareOf } from '@tasker/server/internal/projections/queue-scan'

export interface ReadyShape {
  readonly taskId: TaskId
  readonly step?: StepId
  readonly attempt?: number
  readonly namespace?: Namespace
  readonly handler?: HandlerName
  readonly fairnessKey?: string
  readonly priority?: number
  readonly readyAt: Instant
}

export const readyRowOf = (shape: ReadyShape): ReadyRow => {
  const { handler = handlerName('work'), priority = 0 } = shape
  return {
    taskId: shape.taskId,
    step: shape.step ?? stepId('a'),
    attempt: shape.attempt ?? 1,
    namespace: shape.namespace ?? namespaceOf('shop'),
    handler,
    queue: handlerQueue(handler),
    gate: undefined,
    fairnessKey: shape.fairnessKey ?? '',
    priority,
    readyAt: instant(shape.readyAt),
    rank: readyRank(priority, shape.readyAt),
  }
}

/** What a store that holds these rows answers. */
export const scanOf = (rows: readonly ReadyRow[], request: QueueRequest): QueueScan => {
  const keys = [...new Set(rows.map((row) => row.fairnessKey))]
    .filter((key) => request.after === undefined || key > request.after)
    .sort()
    .slice(0, request.keysMax)
  const share = shareOf(request, keys.length)
  const stored = keys.flatMap((key) =>
    rows
      .filter((row) => row.fairnessKey === key)
      .toSorted(compareRanked)
      .slice(0, share),
  )
  return scanQueue(stored, request, () => false, [])
}
