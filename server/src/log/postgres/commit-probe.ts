/** The probe of a server that has nothing to commit: one small commit that waits for the disk, with the database's clock and the ends of all partitions. */
import { instant, type Partition, partitionNumber } from '@tasker/core'
import { SteadyConnection } from '../../database/steady-connection.js'
import type { CommitProbe, ProbeAnswer } from '../port.js'

const PROBE = `
with beat as (update commit_probe set beats = beats + 1 returning 1)
select
  (select count(*) from beat)::int as committed,
  (extract(epoch from clock_timestamp()) * 1000)::bigint::text as at_ms,
  array(
    select coalesce((select max(seq) from event_commit c where c.partition = p.n), 0)::text from generate_series(0, $1 - 1) as p(n) order by p.n
  ) as heads`

export const commitProbe = (url: string, partitionCount: number): CommitProbe => {
  const connection = new SteadyConnection({ url, applicationName: 'tasker probe', preferIndexes: true })
  return {
    probe: async () => {
      const executed = await connection.execute({ name: 'commit_probe', text: PROBE, values: [partitionCount] })
      return executed.type === 'done' ? answerOf(executed.rows[0]) : { type: 'failed', message: executed.trouble.message }
    },
    close: () => connection.close(),
  }
}

const answerOf = (row: unknown): ProbeAnswer => {
  const { committed, at_ms, heads } = row as {
    readonly committed: number
    readonly at_ms: string
    readonly heads: readonly string[]
  }
  if (committed !== 1) return { type: 'failed', message: 'the row that it writes is missing' }
  return {
    type: 'committed',
    databaseAt: instant(Number(at_ms)),
    heads: new Map(heads.map((seq, n): readonly [Partition, number] => [partitionNumber(n), Number(seq)])),
  }
}
