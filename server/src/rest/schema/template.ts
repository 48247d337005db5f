/** Requests and answers about templates. */
import { z } from 'zod'
import { flagText, plainText } from './fields.js'

/** The document itself is text; the template parser says what is wrong with it. */
export const TEMPLATE_DOCUMENT = z.string().meta({ type: ['string', 'object'], description: 'A task template, as YAML or JSON.' })

export const REGISTER_QUERY = z.strictObject({
  replace: flagText.optional().describe('Whether other content under the same version replaces it.'),
})

export const TEMPLATE_LIST_QUERY = z.strictObject({ namespace: plainText().optional(), name: plainText().optional() })
export const TEMPLATE_PATH = z.object({ namespace: z.string(), name: z.string(), version: z.string() })

const TEMPLATE_HEAD = z.object({
  namespace: z.string(),
  name: z.string(),
  version: z.string(),
  description: z.string().nullable(),
  hash: z.string(),
  step_count: z.number().int(),
  registered_at: z.iso.datetime(),
})

export const TEMPLATE_LIST = z.object({ templates: z.array(TEMPLATE_HEAD), next_cursor: z.string().nullable() })

const FINDINGS = z.array(z.looseObject({ code: z.string(), message: z.string(), path: z.string() }))

export const TEMPLATE = TEMPLATE_HEAD.extend({
  outcome: z.enum(['registered', 'replaced', 'unchanged']).optional(),
  warnings: FINDINGS.optional().describe('What a registration found and took all the same.'),
  environment: z.string().nullable().describe('Whose overrides the steps have; those of this server, where it has any.'),
  input_schema: z.record(z.string(), z.unknown()).nullable(),
  steps: z.array(
    z.looseObject({ name: z.string(), type: z.string(), dependencies: z.array(z.string()), max_attempts: z.number().int() }),
  ),
  content: z.string().describe('The document as it was registered.'),
})

export const VALIDATION = z.object({
  valid: z.boolean(),
  errors: FINDINGS,
  warnings: FINDINGS.describe('What is read all the same, and should be written otherwise.'),
  notes: FINDINGS.describe('What could be better said; nothing is wrong with it.'),
})

export const TEMPLATE_DIFF_QUERY = z.strictObject({
  other: plainText().default('latest').describe('The version it is compared with; `latest` gives the highest.'),
})

export const TEMPLATE_DIFF = z.object({
  namespace: z.string(),
  name: z.string(),
  version: z.string(),
  other: z.string(),
  same: z.boolean().describe('Nothing differs but formatting, comments and order.'),
  changes: z.array(
    z.looseObject({
      type: z.enum(['added', 'removed', 'changed']),
      path: z.string().describe('JSON Pointer; an element of a list of named things, such as a step, stands by its name.'),
    }),
  ),
  truncated: z.boolean().describe('There are more changes than are listed.'),
  lines: z.string().describe('The lines that differ, for people; empty for documents of one line.'),
})
