/** Where the values of a YAML document stand in its text. */
import { isAlias, isMap, isScalar, isSeq, type Document, type LineCounter, type Node, type Pair, type Scalar } from 'yaml'

/** Line and column, from 1, of a place in the text. */
export interface TextPlace {
  readonly line: number
  readonly column: number
}

export type Placing = (segments: readonly string[], onKey: boolean) => TextPlace

/** Finds where a place of the value stands; for a place that is not there, where its nearest container stands. */
export const placing = (document: Document.Parsed, lines: LineCounter): Placing => {
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

const indexOf = (pairs: readonly Pair[]): ReadonlyMap<string, Step> =>
  new Map(
    pairs.flatMap(({ key, value }) => {
      const name = isScalar(key) ? nameOfKey(key) : undefined
      return name === undefined || !isNode(key) ? [] : [[name, { keyOffset: startOf(key), value: isNode(value) ? value : null }]]
    }),
  )

export const startOf = (node: Node): number => node.range?.[0] ?? 0

export const isNode = (value: unknown): value is Node => isScalar(value) || isMap(value) || isSeq(value) || isAlias(value)

/** Keys are texts; a number or a truth value in their place is read as it is written. */
export const nameOfKey = ({ value, source }: Scalar): string | undefined => {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? (source ?? String(value)) : undefined
}
