/** The functions of expressions. Of CEL's own, `matches` is absent: a pattern that backtracks could hold the server for minutes. */
import type { Json } from '../kernel/json.js'
import { isList, isMap, kindOf, NoValue, spend, type Budget } from './values.js'

type Apply = (args: readonly Json[], budget: Budget) => Json

interface ExpressionFunction {
  readonly argsMin: number
  readonly argsMax: number
  readonly apply: Apply
}

/** Characters that are read for the price of one step. */
const CHARS_A_STEP = 64

const textAt = (args: readonly Json[], index: number): string => {
  const value = args[index] ?? null
  if (typeof value !== 'string') throw new NoValue(`${kindOf(value)} stands where a text should be`)
  return value
}

const wholeAt = (args: readonly Json[], index: number): number => {
  const value = args[index] ?? null
  if (typeof value !== 'number' || !Number.isInteger(value))
    throw new NoValue(`${kindOf(value)} stands where a whole number should be`)
  return value
}

const onText = (args: readonly Json[], budget: Budget): string => {
  const text = textAt(args, 0)
  spend(budget, text.length / CHARS_A_STEP)
  return text
}

const sizeOf: Apply = (args) => {
  const value = args[0] ?? null
  if (typeof value === 'string') return value.length
  if (isList(value)) return value.length
  if (isMap(value)) return Object.keys(value).length
  throw new NoValue(`${kindOf(value)} has no size`)
}

const textOf: Apply = ([value = null]) => {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new NoValue(`${kindOf(value)} does not become a text`)
}

const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/

const numberOf: Apply = ([value = null]) => {
  if (typeof value === 'number') return value
  if (typeof value === 'string' && NUMBER.test(value) && Number.isFinite(Number(value))) return Number(value)
  throw new NoValue(`${typeof value === 'string' ? 'this text' : kindOf(value)} does not become a number`)
}

const truthOf: Apply = ([value = null]) => {
  if (typeof value === 'boolean') return value
  if (value === 'true' || value === 'false') return value === 'true'
  throw new NoValue(`${typeof value === 'string' ? 'this text' : kindOf(value)} becomes neither true nor false`)
}

const substring: Apply = (args, budget) => {
  const text = onText(args, budget)
  const start = wholeAt(args, 1)
  const end = args.length > 2 ? wholeAt(args, 2) : text.length
  if (start < 0 || end > text.length || start > end)
    throw new NoValue(`${start} to ${end} is not within ${text.length} characters`)
  return text.slice(start, end)
}

const split: Apply = (args, budget) => {
  const text = textAt(args, 0)
  spend(budget, text.length)
  return text.split(textAt(args, 1))
}

const joined: Apply = (args, budget) => {
  const list = args[0] ?? null
  if (!isList(list)) throw new NoValue(`${kindOf(list)} cannot be joined`)
  const between = args.length > 1 ? textAt(args, 1) : ''
  const texts = list.map((_, index) => textAt(list, index))
  const length = texts.reduce((sum, text) => sum + text.length + between.length, 0)
  spend(budget, list.length + length / CHARS_A_STEP)
  return texts.join(between)
}

const takes = (argsMin: number, argsMax: number, apply: Apply): ExpressionFunction => ({ argsMin, argsMax, apply })

/** `size(x)`. */
export const FUNCTIONS: ReadonlyMap<string, ExpressionFunction> = new Map([
  ['size', takes(1, 1, sizeOf)],
  ['string', takes(1, 1, textOf)],
  ['double', takes(1, 1, numberOf)],
  ['int', takes(1, 1, (args, budget) => Math.trunc(Number(numberOf(args, budget))))],
  ['bool', takes(1, 1, truthOf)],
])

/** `x.size()`; the receiver is the first argument, and counts in the bounds. */
export const METHODS: ReadonlyMap<string, ExpressionFunction> = new Map([
  ['size', takes(1, 1, sizeOf)],
  ['contains', takes(2, 2, (args, budget) => onText(args, budget).includes(textAt(args, 1)))],
  ['startsWith', takes(2, 2, (args, budget) => onText(args, budget).startsWith(textAt(args, 1)))],
  ['endsWith', takes(2, 2, (args, budget) => onText(args, budget).endsWith(textAt(args, 1)))],
  ['indexOf', takes(2, 2, (args, budget) => onText(args, budget).indexOf(textAt(args, 1)))],
  ['lastIndexOf', takes(2, 2, (args, budget) => onText(args, budget).lastIndexOf(textAt(args, 1)))],
  ['lowerAscii', takes(1, 1, (args, budget) => onText(args, budget).replace(/[A-Z]/g, (letter) => letter.toLowerCase()))],
  ['upperAscii', takes(1, 1, (args, budget) => onText(args, budget).replace(/[a-z]/g, (letter) => letter.toUpperCase()))],
  ['trim', takes(1, 1, (args, budget) => onText(args, budget).trim())],
  ['substring', takes(2, 3, substring)],
  ['split', takes(2, 2, split)],
  ['join', takes(1, 2, joined)],
])

/** Loops over a list, or over the keys of a map: the first argument names an element, the last is evaluated for each. */
export const LOOPS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter'])
