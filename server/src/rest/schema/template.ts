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

export const TEMPLATE = TEMPLATE_HEAD.extend({
  outcome: z.enum(['registered', 'replaced', 'unchanged']).optional(),
  input_schema: z.record(z.string(), z.unknown()).nullable(),
  steps: z.array(
    z.looseObject({ name: z.string(), type: z.string(), dependencies: z.array(z.string()), max_attempts: z.number().int() }),
  ),
  content: z.string().describe('The document as it was registered.'),
})

export const VALIDATION = z.object({
  valid: z.boolean(),
  errors: z.array(z.looseObject({ code: z.string(), message: z.string(), path: z.string() })),
  warnings: z.array(z.looseObject({ code: z.string(), message: z.string(), path: z.string() })),
})
