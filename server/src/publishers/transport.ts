/**
 * Where recorded domain events go.
 *
 * T1  A batch holds the events of one task in the order of its stream, and they arrive in that order.
 * T2  The checkpoint of a partition moves from the value the publisher believes in, and only after every message up to it is with the transport.
 * T3  `moved` means that somebody else moved a checkpoint, or an earlier call whose answer was lost: nothing was sent by this one that a later one
 *     will not send again.
 */
import type { Partition } from '@tasker/core'
import type { DomainMessage } from './message.js'

export interface CheckpointMove {
  readonly partition: Partition
  readonly from: number
  readonly to: number
}

export interface PublishBatch {
  readonly messages: readonly DomainMessage[]
  readonly moves: readonly CheckpointMove[]
}

export interface EventTransport {
  /** As settings name it. */
  readonly name: string
  /** How far each partition is published. */
  checkpoints(): Promise<ReadonlyMap<Partition, number>>
  /** Throws a `Fault` when the transport cannot be reached, or when it is not known whether it was. */
  publish(batch: PublishBatch): Promise<'published' | 'moved'>
  close(): Promise<void>
}
