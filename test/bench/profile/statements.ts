/** What PostgreSQL says of the statements it ran, by pg_stat_statements. */
import { z } from 'zod'
import type { BenchDatabase } from '../parts.js'

/** Settings of a PostgreSQL that counts its statements. */
export const COUNTED: Readonly<Record<string, string>> = {
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track_planning': 'on',
}

/** Between two looks, or for a step. */
const USE = z.object({
  statement: z.string(),
  calls: z.number(),
  rows: z.number(),
  /** Planning and running, in microseconds. */
  us: z.number(),
  wal_bytes: z.number(),
})

export type StatementUse = z.infer<typeof USE>

export const resetStatements = async (database: BenchDatabase): Promise<void> => {
  await database.query('create extension if not exists pg_stat_statements')
  await database.query('select pg_stat_statements_reset()')
}

/** The dearest first, without those of the bench itself. */
export const statementsOf = async (database: BenchDatabase): Promise<readonly StatementUse[]> =>
  (
    await database.query(`
select regexp_replace(query, '\\s+', ' ', 'g') as statement, calls::float8 as calls, rows::float8 as rows,
  (total_exec_time + total_plan_time) * 1000 as us, wal_bytes::float8 as wal_bytes
from pg_stat_statements
where query !~ '(pg_stat_statements|pg_database_size)'
order by us desc, statement`)
  ).map((row) => USE.parse(row))
