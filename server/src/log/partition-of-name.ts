/** The partition of a stream that is not a task's: a hash of its name. */
import { hash } from 'node:crypto'
import { type Partition, partitionNumber } from '@tasker/core'

export const partitionOfName = (id: string, partitionCount: number): Partition =>
  partitionNumber(Number.parseInt(hash('sha256', id, 'hex').slice(0, 8), 16) % partitionCount)
