/** Answers about projections: their versions, their lag, rebuilds, and where rows differ from the log. */
import { z } from 'zod'

const DIFFERENCE = z.object({
  projection: z.string(),
  kind: z.enum(['missing', 'unexpected', 'changed']),
  row: z.record(z.string(), z.unknown()).describe('The row, by the columns of its key.'),
  column: z.string().nullable(),
  expected: z.string().nullable().describe('What the log says; long values around the first character that differs.'),
  found: z.string().nullable(),
  version: z.number().int().nullable().describe('The version of the stream that the row should be at.'),
})

export const PROJECTION = z.object({
  name: z.string(),
  version: z.number().int().describe('Of the rows that are read; 0 when there are none yet.'),
  program_version: z.number().int().describe('Of this server; rows of another version are being built anew.'),
  built_at: z.iso.datetime().nullable(),
  lag_commits: z.number().int(),
  lag_ms: z.number(),
  rebuild: z
    .object({
      version: z.number().int(),
      phase: z.enum(['waiting', 'folding', 'catching_up']),
      streams: z.number().int().describe('Streams folded so far.'),
      requested_at: z.iso.datetime(),
      problem: z.string().nullable().describe('Why it does not get on.'),
    })
    .nullable(),
  differences: z
    .object({ rows: z.number().int(), found_at: z.iso.datetime(), first: DIFFERENCE })
    .nullable()
    .describe('What the last comparisons with the log found, until a whole one finds nothing or the rows are built anew.'),
})

export const PROJECTION_LIST = z.object({ projections: z.array(PROJECTION) })

export const VERIFICATION = z.object({
  state: z.enum(['running', 'done', 'failed', 'stopped']),
  projections: z.array(z.string()),
  started_at: z.iso.datetime(),
  ended_at: z.iso.datetime().nullable(),
  streams: z.number().int().describe('Streams and holders of identities looked at so far.'),
  differences: z.record(z.string(), z.number().int()).describe('How many rows differ, by projection.'),
  first_difference: DIFFERENCE.nullable(),
  unreadable_streams: z.number().int(),
  first_unreadable: z.object({ stream: z.string(), position: z.string(), message: z.string() }).nullable(),
  not_compared: z.array(z.string()).describe('What nothing can be said of, and why.'),
  problem: z.string().nullable(),
})

export const VERIFICATION_STATE = z.object({ verification: VERIFICATION.nullable() })

export const VERIFY_QUERY = z.strictObject({
  name: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .transform((names) => (names === undefined ? [] : typeof names === 'string' ? [names] : names)),
})
