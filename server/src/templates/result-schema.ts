/** Whether a step's result fits the schema its template promises for it. */
import type { Failure, JsonText, StepSpec } from '@tasker/core'
import type { InputProblem } from '../faults.js'
import type { SchemaCheck } from './json-schema.js'

/** Failing places that a failure's message names. */
const NAMED_MAX = 20

/** The failing places of a result; none when it fits, or when the step promises nothing. */
export const resultProblems = (step: StepSpec, result: JsonText, check: SchemaCheck): readonly InputProblem[] =>
  step.resultSchema === undefined ? [] : check(step.resultSchema, result)

/** The failure of an attempt whose result does not fit. The same result would come again, so no other attempt is made. */
export const resultMismatch = (step: StepSpec, problems: readonly InputProblem[]): Failure => {
  const places = problems.slice(0, NAMED_MAX).map(({ path, message }) => `${path === '' ? 'the whole result' : path} ${message}`)
  const more = problems.length > NAMED_MAX ? [`${problems.length - NAMED_MAX} more`] : []
  return {
    message: `the result does not fit the result_schema of step ${step.name}: ${[...places, ...more].join('; ')}`,
    errorType: 'ResultError',
    code: 'RESULT_SCHEMA_MISMATCH',
    retryable: false,
  }
}
