/** What can be said of an expression before any value is known: names, functions, and what it reads. */
import type { ASTNode } from '@marcbachmann/cel-js'
import { FUNCTIONS, LOOPS, METHODS } from './functions.js'

/** The names an expression may begin with. */
export type Root = 'context' | 'deps' | 'task'

export const ROOTS: readonly Root[] = ['context', 'deps', 'task']

/** Which results an expression reads: those named, or all of them where the name is computed. */
export type DepsRead = 'all' | ReadonlySet<string>

export interface ExpressionFault {
  readonly message: string
  /** Index of the character in the expression, from 0. */
  readonly offset: number
}

/** Gathers what it finds in one walk over the tree. */
interface Walk {
  readonly faults: ExpressionFault[]
  readonly deps: Set<string>
  allDeps: boolean
}

export interface ExpressionCheck {
  readonly faults: readonly ExpressionFault[]
  readonly deps: DepsRead
}

export const checkExpression = (ast: ASTNode): ExpressionCheck => {
  const walk: Walk = { faults: [], deps: new Set(), allDeps: false }
  visit(ast, NO_LOCALS, walk)
  return { faults: walk.faults, deps: walk.allDeps ? 'all' : walk.deps }
}

const NO_LOCALS: ReadonlySet<string> = new Set()

const isRoot = (name: string): boolean => ROOTS.some((root) => root === name)

const visit = (node: ASTNode, locals: ReadonlySet<string>, walk: Walk): void => {
  switch (node.op) {
    case 'value':
      return checkLiteral(node, walk)
    case 'id':
      return checkName(node, locals, walk)
    case '.':
      return readsDep(node.args[0], locals) ? void walk.deps.add(node.args[1]) : visit(node.args[0], locals, walk)
    case '[]':
      return visitIndex(node.args, locals, walk)
    case '.?':
    case '[?]':
      return fault(walk, node, 'optional access is not part of these expressions; ask with has(…)')
    case 'call':
      return checkCall(node, locals, walk)
    case 'rcall':
      return checkMethod(node, locals, walk)
    case 'map':
      return visitAll(node.args.flat(), locals, walk)
    case '!_':
    case '-_':
      return visit(node.args, locals, walk)
    default:
      return visitAll(node.args, locals, walk)
  }
}

const visitAll = (nodes: readonly ASTNode[], locals: ReadonlySet<string>, walk: Walk): void => {
  for (const node of nodes) visit(node, locals, walk)
}

const fault = (walk: Walk, node: ASTNode, message: string): void => {
  walk.faults.push({ message, offset: node.start })
}

const readsDep = (of: ASTNode, locals: ReadonlySet<string>): boolean =>
  of.op === 'id' && of.args === 'deps' && !locals.has('deps')

const visitIndex = ([of, key]: readonly [ASTNode, ASTNode], locals: ReadonlySet<string>, walk: Walk): void => {
  if (readsDep(of, locals) && key.op === 'value' && typeof key.args === 'string') walk.deps.add(key.args)
  else visitAll([of, key], locals, walk)
}

const checkLiteral = (node: Extract<ASTNode, { readonly op: 'value' }>, walk: Walk): void => {
  if (typeof node.args === 'object' && node.args !== null) fault(walk, node, 'this kind of literal has no place in JSON')
  if (typeof node.args === 'bigint' && !Number.isSafeInteger(Number(node.args)))
    fault(walk, node, 'this number is too large to be exact')
}

const checkName = (node: Extract<ASTNode, { readonly op: 'id' }>, locals: ReadonlySet<string>, walk: Walk): void => {
  const name = node.args
  if (locals.has(name)) return
  if (!isRoot(name)) fault(walk, node, `there is no name "${name}" here; expressions begin with ${ROOTS.join(', ')}`)
  else if (name === 'deps') walk.allDeps = true
}

const checkCall = (node: Extract<ASTNode, { readonly op: 'call' }>, locals: ReadonlySet<string>, walk: Walk): void => {
  const [name, args] = node.args
  if (name === 'has') {
    if (args.length !== 1 || args[0]?.op !== '.') return fault(walk, node, 'has() takes one member, such as has(context.total)')
  } else {
    const known = FUNCTIONS.get(name)
    if (known === undefined)
      return fault(walk, node, `there is no function ${name}(); there are has, ${[...FUNCTIONS.keys()].join(', ')}`)
    checkCount(name, args.length, known, node, walk)
  }
  visitAll(args, locals, walk)
}

const checkMethod = (node: Extract<ASTNode, { readonly op: 'rcall' }>, locals: ReadonlySet<string>, walk: Walk): void => {
  const [name, receiver, args] = node.args
  if (LOOPS.has(name)) {
    visit(receiver, locals, walk)
    return visitLoop(name, args, locals, walk, node)
  }
  const known = METHODS.get(name)
  if (known === undefined) {
    const why =
      name === 'matches' ? 'matches() is left out, because some patterns take for ever' : `there is no function .${name}()`
    return fault(walk, node, `${why}; there are ${[...METHODS.keys(), ...LOOPS].join(', ')}`)
  }
  checkCount(name, args.length, { argsMin: known.argsMin - 1, argsMax: known.argsMax - 1 }, node, walk)
  visitAll([receiver, ...args], locals, walk)
}

const visitLoop = (name: string, args: readonly ASTNode[], locals: ReadonlySet<string>, walk: Walk, node: ASTNode): void => {
  const [variable, ...bodies] = args
  checkCount(name, args.length, { argsMin: 2, argsMax: name === 'map' ? 3 : 2 }, node, walk)
  if (variable?.op !== 'id') return fault(walk, node, `the first argument of ${name}() is a name for an element`)
  visitAll(bodies, new Set([...locals, variable.args]), walk)
}

const checkCount = (
  name: string,
  given: number,
  { argsMin, argsMax }: { readonly argsMin: number; readonly argsMax: number },
  node: ASTNode,
  walk: Walk,
): void => {
  if (given >= argsMin && given <= argsMax) return
  const takes = argsMin === argsMax ? String(argsMin) : `${argsMin} to ${argsMax}`
  fault(walk, node, `${name}() takes ${takes} arguments, not ${given}`)
}
