/** What zod finds wrong, as one fault with a JSON Pointer for every failing field. */
import { jsonPointer } from '@tasker/core'
import type { FastifySchemaCompiler } from 'fastify'
import { z } from 'zod'
import { Fault, type InputProblem } from '../faults.js'

/** Checks bodies, addresses and queries. Fastify writes onto the errors it is given, so the fault travels as a cause. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema }) => {
  return (input: unknown) => {
    const parsed = schema.safeParse(input)
    if (parsed.success) return { value: parsed.data }
    const fault = invalidRequest(parsed.error.issues, input, knownFields(schema))
    return { error: new Error(fault.message, { cause: fault }) }
  }
}

const knownFields = (schema: z.ZodType): readonly string[] => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : [])

/** One member of a body that does not fit. */
export const invalidMember = (code: string, path: string, message: string): Fault =>
  new Fault({
    code: 'INVALID_INPUT',
    reason: 'INVALID_REQUEST',
    message: `${path}: ${message}`,
    errors: [{ code, message, path }],
  })

export const invalidRequest = (issues: readonly z.core.$ZodIssue[], input: unknown, known: readonly string[]): Fault => {
  const errors = issues.flatMap((issue) => problemsOf(issue, input, known))
  const first = errors[0]
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  return new Fault({
    code: 'INVALID_INPUT',
    reason: 'INVALID_REQUEST',
    message:
      first === undefined
        ? 'The request does not fit.'
        : `${first.path === '' ? 'The request' : first.path}: ${first.message}${more}`,
    errors,
  })
}

const problemsOf = (issue: z.core.$ZodIssue, input: unknown, known: readonly string[]): readonly InputProblem[] => {
  const segments = issue.path.map((segment) => (typeof segment === 'number' ? segment : String(segment)))
  const path = jsonPointer(segments)
  if (issue.code === 'unrecognized_keys') {
    const hint = known.length === 0 ? {} : { hint: `Known fields: ${known.join(', ')}.` }
    return issue.keys.map((key) => ({
      code: 'UNKNOWN_FIELD',
      message: `there is no field ${JSON.stringify(key)}`,
      path: jsonPointer([...segments, key]),
      ...hint,
    }))
  }
  if (valueAt(input, segments) === undefined) return [{ code: 'MISSING_FIELD', message: 'must be given', path }]
  return [{ code: codeOf(issue), message: issue.message, path }]
}

const codeOf = (issue: z.core.$ZodIssue): string => {
  switch (issue.code) {
    case 'invalid_type':
      return 'WRONG_TYPE'
    case 'too_big':
    case 'too_small':
    case 'invalid_value':
      return 'OUT_OF_RANGE'
    case 'invalid_format':
    case 'not_multiple_of':
    case 'unrecognized_keys':
    case 'invalid_union':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
      return 'BAD_VALUE'
  }
}

const valueAt = (input: unknown, segments: readonly (string | number)[]): unknown => {
  let value = input
  for (const segment of segments) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Object.getOwnPropertyDescriptor(value, segment)?.value
  }
  return value
}
