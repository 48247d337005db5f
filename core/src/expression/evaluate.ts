/**
 * Evaluates a parsed expression over JSON values.
 *
 * V1  Numbers are those of JSON: `1` and `1.0` are the same, and mix in every operator.
 * V2  The work is counted, so that no expression and no value can hold the server: beyond the budget there is no value.
 * V3  `&&` and `||` do as CEL says: a side that decides, decides also when the other has no value.
 */
import type { ASTNode } from '@marcbachmann/cel-js'
import { BugError } from '../kernel/invariant.js'
import type { Json } from '../kernel/json.js'
import { FUNCTIONS, METHODS } from './functions.js'
import { evaluateLoop, isLoop } from './loops.js'
import { arithmetic, compared, isIn } from './operators.js'
import { areEqual, isList, isMap, kindOf, memberOf, NoValue, spend, type Budget } from './values.js'

/** What names stand for: the roots, and the elements of loops that are being evaluated. */
export type Names = (name: string) => Json | undefined

export const evaluateNode = (node: ASTNode, names: Names, budget: Budget): Json => {
  spend(budget, 1)
  switch (node.op) {
    case 'value':
      return literalOf(node.args)
    case 'id':
      return named(node.args, names)
    case '.':
      return memberAt(evaluateNode(node.args[0], names, budget), node.args[1], node)
    case '[]':
      return elementAt(evaluateNode(node.args[0], names, budget), evaluateNode(node.args[1], names, budget), node)
    case 'call':
      return called(node.args[0], node.args[1], names, budget)
    case 'rcall':
      return isLoop(node) ? evaluateLoop(node, names, budget, evaluateNode) : method(node, names, budget)
    case 'list':
      return node.args.map((element) => evaluateNode(element, names, budget))
    case 'map':
      return Object.fromEntries(
        node.args.map(([key, value]) => [keyText(evaluateNode(key, names, budget)), evaluateNode(value, names, budget)]),
      )
    case '?:':
      return evaluateNode(node.args[truth(node.args[0], names, budget) ? 1 : 2], names, budget)
    case '||':
      return either(node.args, true, names, budget)
    case '&&':
      return either(node.args, false, names, budget)
    case '!_':
      return !truth(node.args, names, budget)
    case '-_':
      return arithmetic('-', 0, evaluateNode(node.args, names, budget), budget)
    case '.?':
    case '[?]':
      throw new BugError('optional access is refused when an expression is read')
    default:
      return binary(node, names, budget)
  }
}

type Binary = Extract<ASTNode, { readonly op: '==' | '!=' | 'in' | '+' | '-' | '*' | '/' | '%' | '<' | '<=' | '>' | '>=' }>

const binary = (node: Binary, names: Names, budget: Budget): Json => {
  const left = evaluateNode(node.args[0], names, budget)
  const right = evaluateNode(node.args[1], names, budget)
  switch (node.op) {
    case '==':
      return areEqual(left, right, budget)
    case '!=':
      return !areEqual(left, right, budget)
    case 'in':
      return isIn(left, right, budget)
    case '<':
    case '<=':
    case '>':
    case '>=':
      return compared(node.op, left, right)
    default:
      return arithmetic(node.op, left, right, budget)
  }
}

/** Literals of other kinds were refused when the expression was read. */
const literalOf = (literal: unknown): Json => {
  if (typeof literal === 'bigint') return Number(literal)
  return typeof literal === 'string' || typeof literal === 'number' || typeof literal === 'boolean' ? literal : null
}

const named = (name: string, names: Names): Json => {
  const value = names(name)
  if (value === undefined) throw new BugError(`the expression reads ${name}, which was refused when it was read`)
  return value
}

const memberAt = (of: Json, key: string, node: ASTNode): Json => {
  if (!isMap(of)) throw new NoValue(`${kindOf(of)} has no member ${key}, in ${textOf(node)}`)
  const member = memberOf(of, key)
  if (member === undefined) throw new NoValue(`there is no ${textOf(node)}`)
  return member
}

const elementAt = (of: Json, key: Json, node: ASTNode): Json => {
  if (isMap(of)) return memberAt(of, keyText(key), node)
  if (!isList(of)) throw new NoValue(`${kindOf(of)} has no elements, in ${textOf(node)}`)
  const element = typeof key === 'number' ? of[key] : undefined
  if (element === undefined) throw new NoValue(`there is no ${textOf(node)} for ${JSON.stringify(key)} in ${of.length} elements`)
  return element
}

const keyText = (key: Json): string => {
  if (typeof key === 'string' || typeof key === 'number' || typeof key === 'boolean') return String(key)
  throw new NoValue(`${kindOf(key)} is no key of a map`)
}

const textOf = (node: ASTNode): string => node.input.slice(node.start, node.end)

const called = (name: string, args: readonly ASTNode[], names: Names, budget: Budget): Json => {
  if (name === 'has') return hasMember(args[0], names, budget)
  const known = FUNCTIONS.get(name)
  if (known === undefined) throw new BugError(`the function ${name} was refused when the expression was read`)
  return known.apply(
    args.map((arg) => evaluateNode(arg, names, budget)),
    budget,
  )
}

const method = (node: Extract<ASTNode, { readonly op: 'rcall' }>, names: Names, budget: Budget): Json => {
  const [name, receiver, args] = node.args
  const known = METHODS.get(name)
  if (known === undefined) throw new BugError(`the function ${name} was refused when the expression was read`)
  return known.apply(
    [receiver, ...args].map((arg) => evaluateNode(arg, names, budget)),
    budget,
  )
}

/** A member that is null is there, as in JSON; what is no map has no members. */
const hasMember = (arg: ASTNode | undefined, names: Names, budget: Budget): boolean => {
  if (arg?.op !== '.') throw new BugError('the argument of has() was checked when the expression was read')
  const of = evaluateNode(arg.args[0], names, budget)
  return isMap(of) && memberOf(of, arg.args[1]) !== undefined
}

const truth = (node: ASTNode, names: Names, budget: Budget): boolean => {
  const value = evaluateNode(node, names, budget)
  if (typeof value !== 'boolean') throw new NoValue(`${kindOf(value)} stands where true or false should be, in ${textOf(node)}`)
  return value
}

/** V3: `||` is decided by true, `&&` by false. */
const either = ([left, right]: readonly [ASTNode, ASTNode], deciding: boolean, names: Names, budget: Budget): boolean => {
  let missing: NoValue | undefined
  try {
    if (truth(left, names, budget) === deciding) return deciding
  } catch (error) {
    if (!(error instanceof NoValue) || error.spent) throw error
    missing = error
  }
  if (truth(right, names, budget) === deciding) return deciding
  if (missing !== undefined) throw missing
  return !deciding
}
