/** The values of expressions are those of JSON: how they compare, and how they are called in messages. */
import type { Json } from '../kernel/json.js'

/** Work that evaluating an expression may still do; counted down by everything that costs. */
export interface Budget {
  left: number
}

/** An expression has no value; thrown inside the evaluation, and a value outside of it. */
export class NoValue extends Error {
  override readonly name = 'NoValue'
  /** Nothing absorbs it: neither `||` nor `&&` goes on when the budget is spent. */
  readonly spent: boolean

  constructor(message: string, spent = false) {
    super(message)
    this.spent = spent
  }
}

export const spend = (budget: Budget, work: number): void => {
  budget.left -= work
  if (budget.left < 0) throw new NoValue('the expression does more work than is allowed', true)
}

export type JsonMap = { readonly [key: string]: Json }

export const isList = (value: Json): value is readonly Json[] => Array.isArray(value)

export const isMap = (value: Json): value is JsonMap => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A member of its own: what a prototype has is no member. */
export const memberOf = (map: JsonMap, key: string): Json | undefined => (Object.hasOwn(map, key) ? map[key] : undefined)

export const kindOf = (value: Json): string => {
  if (value === null) return 'null'
  if (isList(value)) return 'a list'
  if (isMap(value)) return 'a map'
  if (typeof value === 'boolean') return 'true or false'
  return typeof value === 'string' ? 'a text' : 'a number'
}

/** Whether two values are the same in kind and content; values of different kinds are not equal, which is no mistake. */
export const areEqual = (a: Json, b: Json, budget: Budget): boolean => {
  spend(budget, 1)
  if (isList(a))
    return isList(b) && a.length === b.length && a.every((element, index) => areEqual(element, b[index] ?? null, budget))
  if (isMap(a)) return isMap(b) && areEqualMaps(a, b, budget)
  return a === b
}

const areEqualMaps = (a: JsonMap, b: JsonMap, budget: Budget): boolean => {
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => {
    const [mine, other] = [memberOf(a, key), memberOf(b, key)]
    return mine !== undefined && other !== undefined && areEqual(mine, other, budget)
  })
}
