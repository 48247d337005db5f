/**
 * Expressions of templates: `when`, and what stands in `${…}` of a key. They are CEL, parsed by a library, and evaluated here over what
 * JSON can hold (`evaluate.ts` says why).
 */
import { Environment, ParseError, type ASTNode } from '@marcbachmann/cel-js'
import type { Json } from '../kernel/json.js'
import { LIMITS } from '../limits.js'
import { checkExpression, type DepsRead, type ExpressionFault, type Root } from './check.js'
import { evaluateNode } from './evaluate.js'
import { NoValue } from './values.js'

export interface Expression {
  readonly text: string
  readonly ast: ASTNode
  /** Which results of other steps it reads. */
  readonly deps: DepsRead
}

export type ExpressionReading =
  | { readonly type: 'expression'; readonly expression: Expression }
  | { readonly type: 'faulty'; readonly faults: readonly ExpressionFault[] }

/** What the names of an expression stand for; asked only for what is read. */
export type Roots = (root: Root) => Json

export type Evaluation =
  | { readonly type: 'value'; readonly value: Json }
  /** It has no value: a member is missing, a kind does not fit, or it does too much work. */
  | { readonly type: 'failed'; readonly message: string }

const ENVIRONMENT = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: LIMITS.expressionNodesMax, maxDepth: LIMITS.expressionDepthMax },
})

/** Reads an expression and says everything that is wrong with it, as far as no value is needed for that. */
export const readExpression = (text: string): ExpressionReading => {
  if (text.length > LIMITS.expressionCharsMax) {
    return faulty(`${text.length} characters are too many for an expression; ${LIMITS.expressionCharsMax} is the limit`, 0)
  }
  const ast = parsed(text)
  if ('message' in ast) return { type: 'faulty', faults: [ast] }
  const { faults, deps } = checkExpression(ast)
  return faults.length > 0 ? { type: 'faulty', faults } : { type: 'expression', expression: { text, ast, deps } }
}

const faulty = (message: string, offset: number): ExpressionReading => ({ type: 'faulty', faults: [{ message, offset }] })

const parsed = (text: string): ASTNode | ExpressionFault => {
  try {
    return ENVIRONMENT.parse(text).ast
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    return { message: error.summary, offset: error.range?.start ?? 0 }
  }
}

export const evaluateExpression = (expression: Expression, roots: Roots): Evaluation => {
  try {
    const names = (name: string): Json | undefined =>
      name === 'context' || name === 'deps' || name === 'task' ? roots(name) : undefined
    return { type: 'value', value: evaluateNode(expression.ast, names, { left: LIMITS.expressionStepsMax }) }
  } catch (error) {
    if (error instanceof NoValue) return { type: 'failed', message: error.message }
    throw error
  }
}

/** A condition: an expression whose value must be true or false. */
export const evaluateCondition = (
  expression: Expression,
  roots: Roots,
): { readonly type: 'value'; readonly value: boolean } | { readonly type: 'failed'; readonly message: string } => {
  const result = evaluateExpression(expression, roots)
  if (result.type === 'failed') return result
  if (typeof result.value === 'boolean') return { type: 'value', value: result.value }
  return {
    type: 'failed',
    message: `the condition gives ${JSON.stringify(result.value).slice(0, VALUE_SHOWN_CHARS_MAX)}, neither true nor false`,
  }
}

const VALUE_SHOWN_CHARS_MAX = 100
