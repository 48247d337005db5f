/** What a command says about batches, as handlers see it. */
import type { Batch as WireBatch, BatchLimits as WireLimits, Checkpoint as WireCheckpoint, Payload } from '@tasker/proto'
import type { Batch, BatchLimits, SavedCursor } from './context.js'
import { jsonValue } from './payload.js'

export const batchFrom = (batch: WireBatch | undefined): Batch | undefined =>
  batch === undefined
    ? undefined
    : {
        id: batch.id,
        index: batch.index,
        start: valueOrNull(batch.start),
        end: valueOrNull(batch.end),
        size: knownCount(batch.size),
        count: batch.count,
        workerTemplate: batch.workerTemplate,
        isNoOp: batch.isNoOp,
      }

export const limitsFrom = (limits: WireLimits | undefined): BatchLimits | undefined =>
  limits === undefined
    ? undefined
    : {
        workerTemplate: limits.workerTemplate,
        batchSize: knownCount(limits.batchSize),
        maxWorkers: knownCount(limits.maxWorkers),
        parallelism: knownCount(limits.parallelism),
      }

export const savedFrom = (checkpoint: WireCheckpoint | undefined): SavedCursor | undefined =>
  checkpoint === undefined
    ? undefined
    : {
        cursor: valueOrNull(checkpoint.cursor),
        itemsProcessed: checkpoint.itemsProcessed,
        accumulated: valueOrNull(checkpoint.accumulated),
      }

const valueOrNull = (payload: Payload | undefined) => (payload === undefined ? null : jsonValue(payload))

/** On the wire 0 says that nobody knows. */
const knownCount = (count: number): number | undefined => (count === 0 ? undefined : count)
