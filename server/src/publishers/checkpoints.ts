/** How far the domain events of each partition are published: rows in the database of the log, whatever the transport. */
import { type Partition, partitionNumber } from '@tasker/core'
import type pg from 'pg'
import { int2Array, int8Array, textArray } from '../database/binary-array.js'
import type { SteadyConnection } from '../database/steady-connection.js'
import { Fault } from '../faults.js'
import type { CheckpointMove } from './transport.js'

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

/** The one statement of every transport: checkpoints that move together or not at all, with messages for pgmq where there are any. */
export const publishStatement = (
  moves: readonly CheckpointMove[],
  messages: readonly { readonly queue: string; readonly text: string }[],
): pg.QueryConfig => ({
  name: 'publish_domain_events',
  text: 'select publish_domain_events($1::int2[], $2::int8[], $3::int8[], $4::text[], $5::text[]) as published',
  values: [
    int2Array(moves.map(({ partition }) => partition)),
    int8Array(moves.map(({ from }) => from)),
    int8Array(moves.map(({ to }) => to)),
    textArray(messages.map(({ queue }) => queue)),
    textArray(messages.map(({ text }) => text)),
  ],
})

export const publishAnswer = ([row]: readonly unknown[]): 'published' | 'moved' =>
  typeof row === 'object' && row !== null && 'published' in row && row.published === true ? 'published' : 'moved'

/** For a transport that keeps its messages elsewhere. */
export const moveCheckpoints = async (
  connection: SteadyConnection,
  moves: readonly CheckpointMove[],
): Promise<'published' | 'moved'> => {
  const executed = await connection.execute(publishStatement(moves, []))
  if (executed.type === 'trouble') throw checkpointsUnreachable(executed.trouble.message)
  return publishAnswer(executed.rows)
}

const checkpointsUnreachable = (message: string): Fault =>
  new Fault({
    code: 'UNAVAILABLE',
    reason: 'DATABASE_UNAVAILABLE',
    message: `How far domain events are published cannot be read or written: ${message}`,
    hint: 'Is PostgreSQL running, and is DATABASE_URL right?',
    retryable: true,
  })
