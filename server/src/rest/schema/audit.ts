/** The shapes of audits and proofs. */
import { z } from 'zod'
import { parsePosition } from '../../audit/position.js'
import { REST_LIMITS } from '../limits.js'

export const POSITION = z
  .string()
  .refine((text) => parsePosition(text) !== undefined, {
    error: 'is no position: a partition, a colon and a place, such as 3:1207',
  })
  .describe('A place in the log: partition and seq, such as 3:1207.')

export const VERIFY_QUERY = z.strictObject({
  from: POSITION.optional().describe('Where to begin; the very beginning when not given.'),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(REST_LIMITS.auditCommitsMax)
    .default(REST_LIMITS.auditCommitsDefault)
    .describe('Commits to look at; go on with `next`.'),
})

const FINDING = z.object({
  kind: z.enum(['missing_commit', 'changed_commit', 'broken_chain', 'broken_seal', 'bad_seal', 'unsealed', 'bad_publication']),
  at: z.string().describe('The first bad place, such as 3:1207.'),
  to_seq: z.int().optional().describe('The last place it can be at, where that is another one.'),
  stream: z.string().optional(),
  version: z.int().optional(),
  message: z.string(),
  expected: z.string().optional(),
  found: z.string().optional(),
})

export const VERIFY = z.object({
  ok: z.boolean(),
  commits: z.int().describe('Looked at, by this request.'),
  seals: z.int(),
  unsealed: z.int().describe('Commits at the ends of the partitions finished that no seal covers yet.'),
  next: z.string().nullable().describe('Where to go on; null when all was looked at or something is wrong.'),
  finding: FINDING.nullable().describe('The first thing that is wrong.'),
})
