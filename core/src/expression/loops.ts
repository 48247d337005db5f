/** The loops of expressions: `all`, `exists`, `exists_one`, `map` and `filter` over a list, or over the keys of a map. */
import type { ASTNode } from '@marcbachmann/cel-js'
import { BugError, present } from '../kernel/invariant.js'
import type { Json } from '../kernel/json.js'
import { LOOPS } from './functions.js'
import { isList, isMap, kindOf, NoValue, type Budget } from './values.js'

type ReceiverCall = Extract<ASTNode, { readonly op: 'rcall' }>
type Names = (name: string) => Json | undefined
type Evaluate = (node: ASTNode, names: Names, budget: Budget) => Json

export const isLoop = (node: ReceiverCall): boolean => LOOPS.has(node.args[0])

export const evaluateLoop = (node: ReceiverCall, names: Names, budget: Budget, evaluate: Evaluate): Json => {
  const [loop, receiver, [variable, ...bodies]] = node.args
  if (variable?.op !== 'id') throw new BugError('the variable of a loop is checked when the expression is read')
  const items = itemsOf(evaluate(receiver, names, budget))
  const name = variable.args
  const valueOf = (body: ASTNode, item: Json): Json =>
    evaluate(body, (wanted) => (wanted === name ? item : names(wanted)), budget)
  const holds =
    (body: ASTNode) =>
    (item: Json): boolean => {
      const value = valueOf(body, item)
      if (typeof value !== 'boolean') throw new NoValue(`${loop}() needs true or false for each element, not ${kindOf(value)}`)
      return value
    }
  const last = present(bodies.at(-1), 'the body of a loop')
  switch (loop) {
    case 'all':
      return quantified(items, holds(last), false)
    case 'exists':
      return quantified(items, holds(last), true)
    case 'exists_one':
      return items.filter(holds(last)).length === 1
    case 'filter':
      return items.filter(holds(last))
    default:
      return (bodies.length > 1 ? items.filter(holds(present(bodies[0], 'the filter of a loop'))) : items).map((item) =>
        valueOf(last, item),
      )
  }
}

const itemsOf = (value: Json): readonly Json[] => {
  if (isList(value)) return value
  if (isMap(value)) return Object.keys(value)
  throw new NoValue(`a loop goes over a list or a map, not over ${kindOf(value)}`)
}

/** One element that decides, decides also when another has no value. */
const quantified = (items: readonly Json[], holds: (item: Json) => boolean, deciding: boolean): boolean => {
  let missing: NoValue | undefined
  for (const item of items) {
    try {
      if (holds(item) === deciding) return deciding
    } catch (error) {
      if (!(error instanceof NoValue) || error.spent) throw error
      missing ??= error
    }
  }
  if (missing !== undefined) throw missing
  return !deciding
}
