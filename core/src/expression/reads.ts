/** The places of `context`, `deps` and `task` that an expression reads, for people who wonder why it is false. */
import type { ASTNode } from '@marcbachmann/cel-js'
import type { Json } from '../kernel/json.js'
import { type Root, ROOTS } from './check.js'
import type { Expression, Roots } from './expression.js'
import { isList, isMap } from './values.js'

export interface ReadValue {
  /** As in an expression, such as `context.total`. */
  readonly path: string
  /** Undefined when there is no such place. */
  readonly value: Json | undefined
}

interface Place {
  readonly root: Root
  readonly segments: readonly (string | number)[]
}

/** Each place once, in the order of the expression; the whole of a list where a loop goes over it. */
export const valuesRead = ({ ast }: Expression, roots: Roots): readonly ReadValue[] => {
  const places = new Map<string, Place>()
  gather(ast, new Set(), places)
  return [...places].map(([path, { root, segments }]) => ({ path, value: segments.reduce(memberOf, roots(root)) }))
}

const gather = (node: ASTNode, locals: ReadonlySet<string>, places: Map<string, Place>): void => {
  const place = placeOf(node, locals)
  if (place !== undefined) {
    places.set(pathText(place), place)
    return
  }
  if (node.op !== 'rcall') {
    for (const child of childrenOf(node)) gather(child, locals, places)
    return
  }
  const [, receiver, args] = node.args
  gather(receiver, locals, places)
  const inner = new Set([...locals, ...variableOf(args)])
  for (const argument of args) gather(argument, inner, places)
}

/** The name that a loop gives to an element; other methods have none there that could be taken for a root. */
const variableOf = ([first]: readonly ASTNode[]): readonly string[] => (first?.op === 'id' ? [first.args] : [])

const childrenOf = (node: Exclude<ASTNode, { readonly op: 'rcall' }>): readonly ASTNode[] => {
  if (node.op === 'value' || node.op === 'id') return []
  if (node.op === '.' || node.op === '.?') return [node.args[0]]
  if (node.op === 'call') return node.args[1]
  if (node.op === 'map') return node.args.flat()
  return node.op === '!_' || node.op === '-_' ? [node.args] : node.args
}

const placeOf = (node: ASTNode, locals: ReadonlySet<string>): Place | undefined => {
  if (node.op === 'id') {
    const root = locals.has(node.args) ? undefined : ROOTS.find((name) => name === node.args)
    return root === undefined ? undefined : { root, segments: [] }
  }
  const key = keyOf(node)
  if (key === undefined || (node.op !== '.' && node.op !== '[]')) return undefined
  const of = placeOf(node.args[0], locals)
  return of === undefined ? undefined : { root: of.root, segments: [...of.segments, key] }
}

/** The member that a node names, where that is not computed. */
const keyOf = (node: ASTNode): string | number | undefined => {
  if (node.op === '.') return node.args[1]
  if (node.op !== '[]' || node.args[1].op !== 'value') return undefined
  const literal = node.args[1].args
  if (typeof literal === 'bigint') return Number(literal)
  return typeof literal === 'string' ? literal : undefined
}

const NAME = /^[A-Za-z_]\w*$/

const pathText = ({ root, segments }: Place): string =>
  segments.reduce<string>(
    (path, segment) =>
      typeof segment === 'string' && NAME.test(segment) ? `${path}.${segment}` : `${path}[${JSON.stringify(segment)}]`,
    root,
  )

const memberOf = (value: Json | undefined, key: string | number): Json | undefined => {
  if (value === undefined) return undefined
  if (isList(value)) return typeof key === 'number' ? value[key] : undefined
  return isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined
}
