/** Databases for tests: each file gets a fresh one out of the run's PostgreSQL. */
import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { query } from './query.js'

export { query }

export interface TestDatabase {
  readonly url: string
  /** Ends every connection to it and removes it. */
  drop(): Promise<void>
}

const TEMPLATE_DATABASE = 'tasker_template'

/** A database of one's own with the current schema, or without any. Call `drop` in `afterAll`. */
export const freshDatabase = (schema: 'migrated' | 'empty' = 'migrated'): Promise<TestDatabase> =>
  copyFrom(schema === 'migrated' ? TEMPLATE_DATABASE : 'template0')

/** One with the same content; nobody may be connected to the other. */
export const copyOf = ({ url }: TestDatabase): Promise<TestDatabase> => copyFrom(new URL(url).pathname.slice(1))

const copyFrom = async (template: string): Promise<TestDatabase> => {
  const name = `test_${randomBytes(6).toString('hex')}`
  await administer(`create database ${name} template ${template}`)
  const url = new URL(inject('postgresUrl'))
  url.pathname = `/${name}`
  return { url: url.href, drop: () => administer(`drop database if exists ${name} with (force)`) }
}

/** One statement as superuser, on the database `postgres`. */
export const administer = async (sql: string, values: readonly unknown[] = []): Promise<void> => {
  await query(inject('postgresUrl'), sql, values)
}
