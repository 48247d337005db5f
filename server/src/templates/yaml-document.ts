/** YAML text, of which JSON is a part, as one JSON value whose places are known by line and column. */
import { doubleHolds, LIMITS, type Json } from '@tasker/core'
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type Pair,
  type Scalar,
} from 'yaml'

/** A value's levels; deeper documents are a mistake or an attack. */
const DEPTH_MAX = 128
/** Nodes of a document, those behind aliases counted each time: what keeps a few lines of aliases from becoming gigabytes. */
const NODES_MAX = 200_000
/** Faults of syntax that are listed; what follows the first is often its echo. */
const SYNTAX_FAULTS_MAX = 20

export interface YamlFault {
  readonly message: string
  readonly line: number
  readonly column: number
  readonly hint: string | undefined
}

/** Line and column, from 1, of a place in the text. */
export interface TextPlace {
  readonly line: number
  readonly column: number
}

export type YamlReading =
  | { readonly type: 'read'; readonly value: Json; readonly place: Placing }
  | { readonly type: 'unreadable'; readonly faults: readonly YamlFault[] }

/** Reads one document; refuses whatever JSON cannot say, and whatever two readers could understand differently. */
export const readYaml = (text: string): YamlReading => {
  const bytes = Buffer.byteLength(text)
  if (bytes > LIMITS.templateBytesMax)
    return unreadable([
      { message: `${bytes} bytes are too many; ${LIMITS.templateBytesMax} is the limit`, line: 1, column: 1, hint: undefined },
    ])
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: 'silent',
    merge: false,
  })
  const reading: Reading = { lines, faults: [], anchors: new Map(), open: new Set(), nodes: 0 }
  for (const error of [...document.errors, ...document.warnings].slice(0, SYNTAX_FAULTS_MAX))
    addFault(reading, error.pos[0], sentence(error.code, error.message))
  if (reading.faults.length > 0) return unreadable(reading.faults)
  const value = document.contents === null ? null : valueOf(reading, document.contents, 0)
  if (reading.faults.length > 0) return unreadable(reading.faults)
  return { type: 'read', value, place: placing(document, lines) }
}

const unreadable = (faults: readonly YamlFault[]): YamlReading => ({ type: 'unreadable', faults: distinct(faults) })

/** Deep nesting makes the parser report the same fault of one place many times. */
const distinct = (faults: readonly YamlFault[]): readonly YamlFault[] => {
  const known = new Map(faults.map((fault) => [`${fault.line}:${fault.column} ${fault.message}`, fault]))
  return [...known.values()].toSorted((a, b) => a.line - b.line || a.column - b.column)
}

interface Reading {
  readonly lines: LineCounter
  readonly faults: YamlFault[]
  readonly anchors: Map<string, Node>
  /** Anchored nodes that are being read: an alias to one of them would have no end. */
  readonly open: Set<Node>
  nodes: number
}

const addFault = (reading: Reading, offset: number, message: string, hint?: string): null => {
  const { line, col } = reading.lines.linePos(offset)
  if (reading.faults.length < SYNTAX_FAULTS_MAX)
    reading.faults.push({ message, line: Math.max(1, line), column: Math.max(1, col), hint })
  return null
}

const sentence = (code: string, message: string): string => {
  if (code === 'MULTIPLE_DOCS') return 'a file holds one template; a second document begins here'
  if (code === 'RESOURCE_EXHAUSTION') return 'the nesting is too deep'
  const first = message.split('\n')[0] ?? message
  return first.charAt(0).toLowerCase() + first.slice(1)
}

const startOf = (node: Node): number => node.range?.[0] ?? 0

const valueOf = (reading: Reading, node: Node, depth: number): Json => {
  reading.nodes++
  if (reading.nodes > NODES_MAX)
    return reading.nodes === NODES_MAX + 1
      ? addFault(reading, startOf(node), `more than ${NODES_MAX} values, with those behind aliases`)
      : null
  if (depth > DEPTH_MAX) return addFault(reading, startOf(node), `more than ${DEPTH_MAX} levels of nesting`)
  if (isAlias(node)) return aliasValue(reading, node.source, startOf(node), depth)
  if (node.anchor !== undefined) reading.anchors.set(node.anchor, node)
  reading.open.add(node)
  const value = ownValue(reading, node, depth)
  reading.open.delete(node)
  return value
}

const aliasValue = (reading: Reading, name: string, offset: number, depth: number): Json => {
  const target = reading.anchors.get(name)
  if (target === undefined) return addFault(reading, offset, `the alias *${name} has no anchor before it`)
  if (reading.open.has(target)) return addFault(reading, offset, `the alias *${name} stands within its own anchor`)
  return valueOf(reading, target, depth + 1)
}

const ownValue = (reading: Reading, node: Node, depth: number): Json => {
  if (isMap(node) && isPlainTag(node.tag, 'map')) return mapValue(reading, node.items, depth)
  if (isSeq(node) && isPlainTag(node.tag, 'seq'))
    return node.items.map((item) => (isNode(item) ? valueOf(reading, item, depth + 1) : null))
  if (isScalar(node)) return scalarValue(reading, node)
  return addFault(reading, startOf(node), `the tag ${node.tag ?? ''} makes a value that JSON does not have`)
}

const isPlainTag = (tag: string | undefined, kind: 'map' | 'seq'): boolean =>
  tag === undefined || tag === `tag:yaml.org,2002:${kind}`

const isNode = (value: unknown): value is Node => isScalar(value) || isMap(value) || isSeq(value) || isAlias(value)

const mapValue = (reading: Reading, pairs: readonly Pair<unknown, unknown>[], depth: number): Json => {
  const members = new Map<string, Json>()
  for (const pair of pairs) {
    const key = keyOf(reading, pair)
    if (key === undefined) continue
    const offset = isNode(pair.key) ? startOf(pair.key) : 0
    if (members.has(key)) addFault(reading, offset, `the key ${JSON.stringify(key)} stands twice in this map`)
    if (key === '<<') addFault(reading, offset, 'merge keys are not part of YAML 1.2', 'write the merged fields out')
    members.set(key, isNode(pair.value) ? valueOf(reading, pair.value, depth + 1) : null)
  }
  return Object.fromEntries(members)
}

const keyOf = (reading: Reading, { key }: Pair<unknown, unknown>): string | undefined => {
  const name = isScalar(key) ? nameOfKey(key) : undefined
  if (name === undefined) addFault(reading, isNode(key) ? startOf(key) : 0, 'the key of a map must be a text')
  return name
}

/** Keys are texts; a number or a truth value in their place is read as it is written. */
const nameOfKey = ({ value, source }: Scalar): string | undefined => {
  if (typeof value === 'string') return value
  return value === null ? undefined : (source ?? String(value))
}

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

const scalarValue = (reading: Reading, node: Scalar): Json => {
  const { value } = node
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value !== 'number')
    return addFault(reading, startOf(node), `the tag ${node.tag ?? ''} makes a value that JSON does not have`)
  const source = node.source ?? String(value)
  const held = JSON_NUMBER.test(source)
    ? doubleHolds(source)
    : Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER
  return held
    ? value
    : addFault(reading, startOf(node), `the number ${source} is none that a double can hold`, 'put it in quotes')
}

type Placing = (segments: readonly string[], onKey: boolean) => TextPlace

/** Finds where a place of the value stands; for a place that is not there, where its nearest container stands. */
const placing = (document: Document.Parsed, lines: LineCounter): Placing => {
  const indexes = new Map<Node, ReadonlyMap<string, Step>>()
  return (segments, onKey) => {
    let node: Node | null = document.contents
    let offset = node === null ? 0 : startOf(node)
    for (const [at, segment] of segments.entries()) {
      const step: Step | undefined = node === null ? undefined : inwards(document, indexes, node, segment)
      if (step === undefined) break
      const onThisKey = onKey && at === segments.length - 1
      offset = onThisKey || step.value === null ? step.keyOffset : startOf(step.value)
      node = step.value
    }
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
}

interface Step {
  readonly keyOffset: number
  readonly value: Node | null
}

const inwards = (
  document: Document.Parsed,
  indexes: Map<Node, ReadonlyMap<string, Step>>,
  container: Node,
  segment: string,
): Step | undefined => {
  const node = isAlias(container) ? container.resolve(document) : container
  if (isSeq(node)) {
    const item = node.items[Number(segment)]
    return isNode(item) ? { keyOffset: startOf(item), value: item } : undefined
  }
  if (!isMap(node)) return undefined
  const index = indexes.get(node) ?? indexOf(node.items)
  indexes.set(node, index)
  return index.get(segment)
}

const indexOf = (pairs: readonly Pair<unknown, unknown>[]): ReadonlyMap<string, Step> =>
  new Map(
    pairs.flatMap(({ key, value }) => {
      const name = isScalar(key) ? nameOfKey(key) : undefined
      return name === undefined || !isNode(key) ? [] : [[name, { keyOffset: startOf(key), value: isNode(value) ? value : null }]]
    }),
  )
