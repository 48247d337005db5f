/** Looks into a database from outside, where no test run provides one. */
import { newConnection } from '@tasker/server/internal/database'

/** One statement on a connection of its own. */
export const query = async (
  url: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<readonly Readonly<Record<string, unknown>>[]> => {
  const connection = newConnection({ url, applicationName: 'tests' })
  await connection.connect()
  try {
    return (await connection.query<Record<string, unknown>>(sql, [...values])).rows
  } finally {
    await connection.end()
  }
}
