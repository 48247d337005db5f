/** The shape of every error. */
import { z } from 'zod'

const INPUT_PROBLEM = z.object({
  code: z.string(),
  message: z.string(),
  path: z.string().describe('JSON Pointer into the input.'),
  line: z.number().int().optional(),
  column: z.number().int().optional(),
  hint: z.string().optional(),
})

export const PROBLEM = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    instance: z.string(),
    code: z.string().describe('The category, such as NOT_FOUND.'),
    reason: z.string().describe('The entry of the catalogue of errors, such as TASK_NOT_FOUND.'),
    retryable: z.boolean().describe('Whether the same request may succeed later.'),
    hint: z.string().optional(),
    errors: z.array(INPUT_PROBLEM).optional().describe('One entry a failing field.'),
  })
  .describe('RFC 9457 problem; faults add members that programs need, such as task_id.')

const asProblem = (description: string) => ({ description, content: { 'application/problem+json': { schema: PROBLEM } } })

const DESCRIPTIONS = {
  400: 'The body is no JSON or YAML at all.',
  404: 'There is no such thing; the detail names what there is.',
  409: 'Another fact stands against it; `reason` says which.',
  413: 'The body, or the context in it, is too large.',
  415: 'The Content-Type is not one this address reads.',
  422: 'The input does not fit; `errors` names every failing place.',
  503: 'Not available now, or too busy: repeat after `Retry-After` seconds.',
} as const

/** The problems a route may answer with, for its documentation. */
export const problems = (...statuses: readonly (keyof typeof DESCRIPTIONS)[]) =>
  Object.fromEntries(statuses.map((status) => [status, asProblem(DESCRIPTIONS[status])]))
