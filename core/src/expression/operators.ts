/** The operators of expressions on values of JSON. */
import type { Json } from '../kernel/json.js'
import { unreachable } from '../kernel/invariant.js'
import { areEqual, isList, isMap, kindOf, memberOf, NoValue, spend, type Budget } from './values.js'

export type Arithmetic = '+' | '-' | '*' | '/' | '%'

export const arithmetic = (op: Arithmetic, left: Json, right: Json, budget: Budget): Json => {
  if (typeof left === 'number' && typeof right === 'number') return finite(op, calculated(op, left, right))
  if (op === '+') return joined(left, right, budget)
  throw new NoValue(`${op} does not work on ${kindOf(left)} and ${kindOf(right)}`)
}

const calculated = (op: Arithmetic, left: number, right: number): number => {
  switch (op) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return left / right
    case '%':
      return left % right
    default:
      return unreachable(op)
  }
}

/** JSON knows neither infinity nor "not a number": a division by zero and an overflow have no value. */
const finite = (op: Arithmetic, result: number): number => {
  if (Number.isFinite(result)) return result
  throw new NoValue(op === '/' || op === '%' ? 'a division by zero' : 'a number that is too large')
}

const joined = (left: Json, right: Json, budget: Budget): Json => {
  if (typeof left === 'string' && typeof right === 'string') {
    spend(budget, (left.length + right.length) / CHARS_A_STEP)
    return left + right
  }
  if (isList(left) && isList(right)) {
    spend(budget, left.length + right.length)
    return [...left, ...right]
  }
  throw new NoValue(`+ does not work on ${kindOf(left)} and ${kindOf(right)}`)
}

const CHARS_A_STEP = 64

/** Numbers by size, texts by their characters, false before true. */
export const compared = (op: '<' | '<=' | '>' | '>=', left: Json, right: Json): boolean => {
  const ordered = typeof left === 'number' || typeof left === 'string' || typeof left === 'boolean'
  if (!ordered || typeof left !== typeof right || right === null || typeof right === 'object') {
    throw new NoValue(`${op} does not compare ${kindOf(left)} with ${kindOf(right)}`)
  }
  switch (op) {
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    case '>=':
      return left >= right
    default:
      return unreachable(op)
  }
}

/** An element of a list, or a key of a map. */
export const isIn = (value: Json, within: Json, budget: Budget): boolean => {
  if (isList(within)) return within.some((element) => areEqual(element, value, budget))
  if (isMap(within)) return typeof value === 'string' && memberOf(within, value) !== undefined
  throw new NoValue(`"in" looks into a list or a map, not into ${kindOf(within)}`)
}
