/**
 * What an error of PostgreSQL, or of the way to it, means for the one who sent a statement.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */

/** The parts of a broken unique key: its constraint, its columns, and what stands in them as text. */
export interface BrokenKey {
  readonly constraint: string
  readonly columns: readonly string[]
  /** The values joined by a comma and a blank, as PostgreSQL shows them. */
  readonly values: string
}

export type DatabaseTrouble =
  /** A row with that key is there; the statement did nothing. */
  | { readonly type: 'unique_violation'; readonly key: BrokenKey; readonly message: string }
  /** This content will never be taken; the statement did nothing. */
  | { readonly type: 'content_refused'; readonly message: string }
  /** The connection ended before the answer: the statement may or may not have been done. */
  | { readonly type: 'connection_lost'; readonly message: string }
  /** There was no connection, so nothing was sent. */
  | { readonly type: 'unreachable'; readonly message: string }
  /** The database is there and cannot do it now, or the schema or our rights are wrong; the statement did nothing. */
  | { readonly type: 'rejected'; readonly code: string; readonly message: string }

/** Whether the statement had been handed to a connection when the error came. */
export type Moment = 'connecting' | 'executing'

const SQLSTATE = /^[0-9A-Z]{5}$/
const UNIQUE_VIOLATION = '23505'
/** Data exceptions, broken checks, limits of the program: a repeat of the same content ends the same way. */
const CONTENT_CLASS = /^(22|23|54)/
/** The connection, or the server, is going down: it may have committed before it said so. A cancelled statement may have, too. */
const LOST_CLASS = /^(08|57)/
/** It starts, stops or is full: a later attempt to connect may find it otherwise. */
const PASSING_CLASS = /^(08|53|57)/
const KEY_DETAIL = /\(([^()]+)\)=\((.*)\)/s

/** Tells the troubles apart. Never throws. */
export const databaseTrouble = (error: unknown, moment: Moment): DatabaseTrouble => {
  const message = error instanceof Error ? error.message : String(error)
  const code = textMember(error, 'code')
  if (moment === 'connecting') return { type: 'unreachable', message: message === '' ? (code ?? 'no answer') : message }
  if (code === undefined || !SQLSTATE.test(code) || LOST_CLASS.test(code)) return { type: 'connection_lost', message }
  if (code === UNIQUE_VIOLATION) return { type: 'unique_violation', key: brokenKey(error), message }
  if (CONTENT_CLASS.test(code)) return { type: 'content_refused', message }
  return { type: 'rejected', code, message }
}

/** Whether connecting again later may help: not where PostgreSQL is there and lets nobody in, or knows no such database. */
export const mayPass = (error: unknown): boolean => {
  const code = textMember(error, 'code')
  return code === undefined || !SQLSTATE.test(code) || PASSING_CLASS.test(code)
}

const brokenKey = (error: unknown): BrokenKey => {
  const [, columns = '', values = ''] = KEY_DETAIL.exec(textMember(error, 'detail') ?? '') ?? []
  return { constraint: textMember(error, 'constraint') ?? '', columns: columns.split(', '), values }
}

const textMember = (error: unknown, name: string): string | undefined => {
  if (typeof error !== 'object' || error === null) return undefined
  const value: unknown = Reflect.get(error, name)
  return typeof value === 'string' ? value : undefined
}
