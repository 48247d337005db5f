/** The numbered changes of the schema, read from `migrations/NNNN_name.sql`. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export interface Migration {
  readonly number: number
  readonly name: string
  /** SHA-256 of the file, hexadecimal. */
  readonly checksum: string
  readonly sql: string
}

const FILE = /^(\d{4})_([a-z0-9_]+)\.sql$/

/** Sources and the build lie at the same depth below the root. */
const FOLDER = resolve(import.meta.dirname, '../../../migrations')

/** All migrations this program knows, in order. Throws when two have one number or one is missing. */
export const knownMigrations = (folder = FOLDER): readonly Migration[] => {
  const found = readdirSync(folder)
    .sort()
    .flatMap((file) => {
      const [, number, name] = FILE.exec(file) ?? []
      if (number === undefined || name === undefined) return []
      const sql = readFileSync(join(folder, file), 'utf8')
      return [{ number: Number(number), name, checksum: createHash('sha256').update(sql).digest('hex'), sql }]
    })
  found.forEach((migration, index) => {
    if (migration.number !== index + 1) throw new Error(`migrations are numbered 0001, 0002 …: ${migration.name} breaks the row`)
  })
  return found
}
