/** Expressions in templates: read where they stand, with the line and column of what is wrong inside them. */
import type { ExpressionFault } from '../expression/check.js'
import { readExpression, type Expression } from '../expression/expression.js'
import { wrongType, type Reader } from './fields.js'
import { addProblem, type Findings } from './problem.js'

export const expression: Reader<Expression> = (value, path, findings) => {
  if (typeof value !== 'string') return wrongType(findings, path, value, 'an expression')
  const reading = readExpression(value)
  if (reading.type === 'expression') return reading.expression
  for (const fault of reading.faults) addFault(findings, path, value, fault)
  return null
}

/** Lines and columns count from 1, within the expression. */
const addFault = (findings: Findings, path: string, text: string, { message, offset }: ExpressionFault): void => {
  const before = text.slice(0, offset).split('\n')
  addProblem(
    findings,
    'BAD_EXPRESSION',
    path,
    `at ${before.length}:${(before.at(-1)?.length ?? 0) + 1} of the expression: ${message}`,
  )
}
