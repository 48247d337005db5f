/** What goes over the wire by our own hand arrives in PostgreSQL as it was, and what PostgreSQL objects to is told apart. */
import { openPool, type Pool } from '@tasker/server/internal/database'
import {
  byteaArray,
  int2Array,
  int4Array,
  int8Array,
  nullableInt8Array,
  textArray,
} from '@tasker/server/internal/database/binary-array'
import { databaseTrouble, mayPass } from '@tasker/server/internal/database/trouble'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'

let database: TestDatabase
let pool: Pool
beforeAll(async () => {
  database = await freshDatabase()
  pool = openPool({ url: database.url, applicationName: 'tests', connectionsMax: 2 })
})
afterAll(async () => {
  await pool.end()
  await database.drop()
})

const arrived = async (type: string, value: Buffer): Promise<unknown> =>
  (await pool.query<{ json: unknown }>(`select to_json($1::${type}) as json`, [value])).rows[0]?.json

const int = (bits: number) => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 })
const keepable = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'))

describe('arrays', () => {
  test.each([
    ['int2[]', int(16), int2Array],
    ['int4[]', int(32), int4Array],
    ['int8[]', fc.maxSafeInteger(), int8Array],
  ] as const)('of %s arrive as they were', async (type, item, encode) => {
    await fc.assert(
      fc.asyncProperty(fc.array(item), async (values) => {
        expect(await arrived(type, encode(values))).toEqual(values)
      }),
    )
  })

  test('with missing values arrive with NULLs', async () => {
    const nullable = <Value>(value: fc.Arbitrary<Value>) => fc.array(fc.option(value, { nil: undefined }))
    await fc.assert(
      fc.asyncProperty(nullable(fc.maxSafeInteger()), nullable(keepable), async (numbers, texts) => {
        expect(await arrived('int8[]', nullableInt8Array(numbers))).toEqual(numbers.map((value) => value ?? null))
        expect(await arrived('text[]', textArray(texts))).toEqual(texts.map((value) => value ?? null))
      }),
    )
  })

  test('of bytes arrive as they were', async () => {
    const values = [Buffer.from([0, 255, 1]), Buffer.alloc(0), Buffer.alloc(100, 7)]
    const { rows } = await pool.query<{ bytes: Buffer }>('select unnest($1::bytea[]) as bytes', [byteaArray(values)])
    expect(rows.map((row) => row.bytes)).toEqual(values)
  })
})

describe('a trouble', () => {
  const troubleOf = async (sql: string) => {
    try {
      await pool.query(sql)
    } catch (error) {
      return databaseTrouble(error, 'executing')
    }
    return undefined
  }

  test('with a key names the constraint, its columns and what stands there', async () => {
    await pool.query(`insert into identity values ('a, b', '(x)=(y)')`)
    expect(await troubleOf(`insert into identity values ('a, b', 'z')`)).toMatchObject({
      type: 'unique_violation',
      key: { constraint: 'identity_pkey', columns: ['scope'], values: 'a, b' },
    })
  })

  test.each([
    ['content that is too large for its column', `select 99999999999::int4`, 'content_refused'],
    ['a broken check', `insert into event_log (partition_count) values (-1)`, 'content_refused'],
    ['a table that is not there', `select * from nowhere`, 'rejected'],
    ['a backend that was ended', `select pg_terminate_backend(pg_backend_pid())`, 'connection_lost'],
    ['a statement that was cancelled', `select pg_cancel_backend(pg_backend_pid()), pg_sleep(5)`, 'connection_lost'],
  ])('with %s is told apart', async (_, sql, type) => {
    expect(await troubleOf(sql)).toMatchObject({ type })
  })

  test('without a connection is unreachable, whatever was thrown', () => {
    expect(databaseTrouble(Object.assign(new Error(''), { code: 'ECONNREFUSED' }), 'connecting')).toEqual({
      type: 'unreachable',
      message: 'ECONNREFUSED',
    })
    expect(databaseTrouble('odd', 'executing')).toEqual({ type: 'connection_lost', message: 'odd' })
  })

  test.each([
    ['nobody listens', 'ECONNREFUSED', true],
    ['it starts', '57P03', true],
    ['it has no connection to give', '53300', true],
    ['the password is wrong', '28P01', false],
    ['there is no such database', '3D000', false],
  ])('while %s (%s) a later connection may help: %s', (_, code, helps) => {
    expect(mayPass(Object.assign(new Error('no'), { code }))).toBe(helps)
  })
})
