/** How far the domain events of each partition are published: rows in the database of the log, whatever the transport. */
import { type Partition, partitionNumber } from '@tasker/core'
import type { SteadyConnection } from '../database/steady-connection.js'
import { Fault } from '../faults.js'

export const readCheckpoints = async (connection: SteadyConnection): Promise<ReadonlyMap<Partition, number>> => {
  const executed = await connection.execute({ text: 'select partition, seq from publisher_checkpoint where seq > 0' })
  if (executed.type === 'trouble') throw checkpointsUnreachable(executed.trouble.message)
  return new Map(executed.rows.map(checkpointOf))
}

const checkpointOf = (row: unknown): readonly [Partition, number] => {
  if (typeof row === 'object' && row !== null && 'partition' in row && 'seq' in row)
    return [partitionNumber(Number(row.partition)), Number(row.seq)]
  throw new TypeError('a row of publisher_checkpoint has a partition and a seq')
}

export const checkpointsUnreachable = (message: string): Fault =>
  new Fault({
    code: 'UNAVAILABLE',
    reason: 'DATABASE_UNAVAILABLE',
    message: `How far domain events are published cannot be read or written: ${message}`,
    hint: 'Is PostgreSQL running, and is DATABASE_URL right?',
    retryable: true,
  })
