/** The swap of a table for the one built beside it: one transaction, after which everything has the name it had. */
import type pg from 'pg'
import type { Rebuild, Swapped } from '../rebuild/port.js'
import { besideOf } from './rebuild-statement.js'

/** How long the swap waits for statements that read the live table. Who comes meanwhile waits behind it, so it is short. */
const SWAP_LOCK_MS = 500

/** PostgreSQL's code for a lock that was not had in time. */
const LOCK_NOT_AVAILABLE = '55P03'

interface Index {
  readonly name: string
  /** What of its definition does not depend on names. */
  readonly shape: string
}

interface Names {
  readonly name: string
  readonly checkpoints: { readonly name: string; readonly version: number }
}

/**
 * On a connection of one's own. The live table is locked before the checkpoints, as the writer's statement does. Whoever waits for the table
 * meanwhile finds the new one under its name: PostgreSQL looks names up again when what they meant is gone.
 */
export const swapTables = async (
  connection: pg.ClientBase,
  rebuild: Rebuild,
  checkpoints: Names['checkpoints'],
): Promise<Swapped> => {
  const { name } = rebuild
  await connection.query('begin')
  try {
    await connection.query(`set local lock_timeout = ${SWAP_LOCK_MS}`)
    await connection.query(`lock table ${name} in access exclusive mode`)
    const swapped = await swapLocked(connection, rebuild, checkpoints)
    await connection.query(swapped === 'behind' ? 'rollback' : 'commit')
    return swapped
  } catch (error) {
    await connection.query('rollback').catch(() => undefined)
    if (error instanceof Error && 'code' in error && error.code === LOCK_NOT_AVAILABLE) return 'busy'
    throw error
  }
}

const swapLocked = async (
  connection: pg.ClientBase,
  rebuild: Rebuild,
  checkpoints: Names['checkpoints'],
): Promise<Exclude<Swapped, 'busy'>> => {
  if (!(await agrees(connection, rebuild, checkpoints))) return 'behind'
  const renamed = await newNames(connection, rebuild.name)
  if (renamed === undefined) {
    await connection.query(AGAIN, [rebuild.name])
    return 'changed'
  }
  await connection.query(`drop table ${rebuild.name}`)
  await connection.query(`alter table ${besideOf(rebuild.name)} rename to ${rebuild.name}`)
  for (const [fresh, old] of renamed) await connection.query(`alter index ${quoted(fresh)} rename to ${quoted(old)}`)
  await connection.query(CATALOG, [rebuild.name, rebuild.version])
  return 'swapped'
}

const AGAIN = `update projection_rebuild set phase = 'waiting', turn = turn + 1 where name = $1`

const CATALOG = `
with done as (delete from projection_rebuild where name = $1)
insert into projection (name, version, built_at) values ($1, $2, clock_timestamp())
on conflict (name) do update set version = excluded.version, built_at = excluded.built_at`

/** Nobody else went on with the rebuild, and the live rows are as far as the new ones. Both stay so until the transaction ends. */
const agrees = async (connection: pg.ClientBase, rebuild: Rebuild, checkpoints: Names['checkpoints']): Promise<boolean> => {
  const { rows: mine } = await connection.query('select 1 from projection_rebuild where name = $1 and turn = $2 for update', [
    rebuild.name,
    rebuild.turn,
  ])
  const { rows } = await connection.query<{ partition: number; seq: string }>(
    'select partition, seq from projection_checkpoint where projection = $1 and version = $2 order by partition for update',
    [checkpoints.name, checkpoints.version],
  )
  const targets = new Map<number, number>(rebuild.targets)
  return mine.length === 1 && rows.every(({ partition, seq }) => (targets.get(partition) ?? 0) === Number(seq))
}

/** The indexes of the new table with the names that their likes have on the old one; nothing when the tables are not alike. */
const newNames = async (connection: pg.ClientBase, name: string): Promise<readonly (readonly [string, string])[] | undefined> => {
  const old = await indexesOf(connection, name)
  const fresh = await indexesOf(connection, besideOf(name))
  const pairs = old.flatMap((index) => {
    const like = fresh.find(({ shape }) => shape === index.shape)
    return like === undefined ? [] : [[like.name, index.name] as const]
  })
  const isAlike = pairs.length === old.length && pairs.length === fresh.length
  return isAlike && (await columnsOf(connection, name)) === (await columnsOf(connection, besideOf(name))) ? pairs : undefined
}

const columnsOf = async (connection: pg.ClientBase, table: string): Promise<string> => {
  const { rows } = await connection.query<{ columns: string }>(
    `select string_agg(format('%s %s', attname, format_type(atttypid, atttypmod)), ', ' order by attname) as columns
      from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped`,
    [table],
  )
  return rows[0]?.columns ?? ''
}

const indexesOf = async (connection: pg.ClientBase, table: string): Promise<readonly Index[]> => {
  const { rows } = await connection.query<Index>(
    `select c.relname as name, (case when i.indisunique then 'unique ' else '' end)
        || regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', '') as shape
      from pg_index i join pg_class c on c.oid = i.indexrelid where i.indrelid = $1::regclass order by c.relname`,
    [table],
  )
  return rows
}

/** An empty table like another: columns, constraints, indexes, settings of its storage, and who may read it. */
export const createBeside = async (connection: pg.ClientBase, name: string): Promise<void> => {
  const beside = besideOf(name)
  const { rows } = await connection.query<{ options: string | null; grants: readonly string[] }>(
    `select array_to_string(c.reloptions, ', ') as options, coalesce(array(
        select format('grant %s on ${beside} to %s', a.privilege_type, case when a.grantee = 0 then 'public' else a.grantee::regrole::text end)
        from aclexplode(c.relacl) a), '{}') as grants
      from pg_class c where c.oid = $1::regclass`,
    [name],
  )
  const [{ options, grants } = { options: null, grants: [] }] = rows
  await connection.query(`drop table if exists ${beside}`)
  await connection.query(`create table ${beside} (like ${name} including all)${options === null ? '' : ` with (${options})`}`)
  for (const grant of grants) await connection.query(grant)
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
