/** `tasker audit verify`, as an operator runs it: a process of its own that reads the database and the published seals. */
import { runProgram } from '../support/processes.js'
import { within } from '../support/until.js'

const VERIFY_MS_MAX = 180_000

/** What is looked at: a log, and what is known of its seals where it has any. */
export interface SealedDatabase {
  readonly databaseUrl: string
  readonly seals?: { readonly folder: string; readonly publicKey: string } | undefined
}

/** What it says is wrong; undefined when it ends with 0. */
export const auditFinding = async ({ databaseUrl, seals }: SealedDatabase): Promise<string | undefined> => {
  const known = seals === undefined ? [] : ['--seals', seals.folder, '--public-key', seals.publicKey]
  const program = runProgram(['server/bin/tasker.js', 'audit', 'verify', '--json', '--database-url', databaseUrl, ...known])
  const code = await within('tasker audit verify ends', VERIFY_MS_MAX, program.exited)
  return code === 0 ? undefined : `tasker audit verify ended with ${code} and said: ${program.output().trim()}`
}
