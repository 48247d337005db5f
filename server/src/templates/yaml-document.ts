/** YAML text, of which JSON is a part, as one JSON value whose places are known by line and column. */
import { doubleHolds, LIMITS, parseJson, scanJson, type Json } from '@tasker/core'
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Node, type Pair, type Scalar } from 'yaml'
import { depthFault, TOO_DEEP, YAML_DEPTH_MAX } from './yaml-depth.js'
import { isNode, nameOfKey, placing, startOf, type Placing, type TextPlace } from './yaml-places.js'

/** Nodes of a document, those behind aliases counted each time: what keeps a few lines of aliases from becoming gigabytes. */
const NODES_MAX = 200_000
/** Faults of syntax that are listed; what follows the first is often its echo. */
const SYNTAX_FAULTS_MAX = 20

export interface YamlFault extends TextPlace {
  readonly message: string
  readonly hint: string | undefined
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
  return jsonReading(text) ?? yamlReading(text)
}

/** JSON, as programs send it, is read by the faster parser; as YAML only when somebody asks for a place. */
const jsonReading = (text: string): YamlReading | undefined => {
  if (!/^\s*\{/.test(text)) return undefined
  const scan = scanJson(text)
  if (scan.type === 'fault') return undefined
  let places: Placing | undefined
  const place: Placing = (segments, onKey) => {
    if (places === undefined) {
      const reading = yamlReading(text)
      places = reading.type === 'read' ? reading.place : () => ({ line: 1, column: 1 })
    }
    return places(segments, onKey)
  }
  return { type: 'read', value: parseJson(scan.json), place }
}

const yamlReading = (text: string): YamlReading => {
  const tooDeep = depthFault(text)
  if (tooDeep !== undefined) return unreadable([{ ...tooDeep, message: TOO_DEEP, hint: undefined }])
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
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

const valueOf = (reading: Reading, node: Node, depth: number): Json => {
  reading.nodes++
  if (reading.nodes > NODES_MAX)
    return reading.nodes === NODES_MAX + 1
      ? addFault(reading, startOf(node), `more than ${NODES_MAX} values, with those behind aliases`)
      : null
  if (depth + (isScalar(node) ? 0 : 1) > YAML_DEPTH_MAX) return addFault(reading, startOf(node), TOO_DEEP)
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

const mapValue = (reading: Reading, pairs: readonly Pair[], depth: number): Json => {
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

const keyOf = (reading: Reading, { key }: Pair): string | undefined => {
  const name = isScalar(key) ? nameOfKey(key) : undefined
  if (name === undefined) addFault(reading, isNode(key) ? startOf(key) : 0, 'the key of a map must be a text')
  return name
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
