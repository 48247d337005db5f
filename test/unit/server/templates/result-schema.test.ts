import { trustedJson } from '@tasker/core'
import { schemaCheck } from '@tasker/server/internal/templates/json-schema'
import { resultMismatch, resultProblems } from '@tasker/server/internal/templates/result-schema'
import { expect, test } from 'vitest'
import { step } from '../../../support/given.js'

const charged = {
  ...step('charge'),
  resultSchema: { type: 'object', required: ['receipt'], properties: { total: { type: 'number' } } },
}

test('a result that fits has no problems, and neither has any result of a step that promises nothing', () => {
  const check = schemaCheck()
  expect(resultProblems(charged, trustedJson('{"receipt":"r","total":1}'), check)).toEqual([])
  expect(resultProblems(step('charge'), trustedJson('null'), check)).toEqual([])
})

test('the failure names the step and every failing place, and no other attempt is made for it', () => {
  const problems = resultProblems(charged, trustedJson('{"total":"12"}'), schemaCheck())
  expect(resultMismatch(charged, problems)).toEqual({
    message:
      "the result does not fit the result_schema of step charge: /receipt must have required property 'receipt'; /total must be number",
    errorType: 'ResultError',
    code: 'RESULT_SCHEMA_MISMATCH',
    retryable: false,
  })
})

test('a result that fails everywhere is told at twenty places', () => {
  const step200 = { ...charged, resultSchema: { items: { type: 'integer' } } }
  const problems = resultProblems(step200, trustedJson(JSON.stringify(Array.from({ length: 50 }, () => 'x'))), schemaCheck())
  const { message } = resultMismatch(step200, problems)
  expect(message.match(/must be integer/g)).toHaveLength(20)
  expect(message.endsWith('; 30 more')).toBe(true)
})
