/** A small picture of a graph in text: layers from left to right where the graph is that regular, else one line a step. */

export interface PictureGraph {
  readonly nodes: readonly string[]
  readonly edges: readonly { readonly from: string; readonly to: string }[]
}

/** Layers next to each other read well up to the width of a terminal. */
const WIDTH_CHARS_MAX = 118
const LAYER_NODES_MAX = 9

/** Lines of the picture. `paint` may colour a name, after its width was counted. */
export const graphPicture = (graph: PictureGraph, paint: (name: string) => string = (name) => name): readonly string[] => {
  const layers = layersOf(graph)
  const drawn = isRegular(graph, layers) && Math.max(...layers.map((layer) => layer.length)) <= LAYER_NODES_MAX
  const width = layers.reduce((sum, layer) => sum + widthOf(layer) + JOINT_CHARS, 0)
  return drawn && width <= WIDTH_CHARS_MAX ? drawnLayers(layers, paint) : listed(graph, layers, paint)
}

/** Each step's layer is one behind the last step it waits for. */
const layersOf = ({ nodes, edges }: PictureGraph): readonly (readonly string[])[] => {
  const depth = new Map(nodes.map((name) => [name, 0]))
  // A path has at most as many edges as there are nodes, so that many rounds settle every depth.
  for (let round = 0; round < nodes.length; round++) {
    let moved = false
    for (const { from, to } of edges) {
      const wanted = (depth.get(from) ?? 0) + 1
      if ((depth.get(to) ?? 0) >= wanted) continue
      depth.set(to, wanted)
      moved = true
    }
    if (!moved) break
  }
  const deepest = Math.max(-1, ...depth.values())
  return Array.from({ length: deepest + 1 }, (_, layer) => nodes.filter((name) => depth.get(name) === layer))
}

/** Whether each layer waits for exactly the whole layer before it. */
const isRegular = ({ edges }: PictureGraph, layers: readonly (readonly string[])[]): boolean => {
  const present = new Set(edges.map(({ from, to }) => `${from}\n${to}`))
  let expected = 0
  for (const [index, layer] of layers.entries()) {
    const before = layers[index - 1] ?? []
    expected += layer.length * before.length
    if (!layer.every((to) => before.every((from) => present.has(`${from}\n${to}`)))) return false
  }
  return present.size === expected
}

const widthOf = (layer: readonly string[]): number => Math.max(...layer.map((name) => name.length))

/** `──┬─▶ `: the lines between two layers. */
const JOINT_CHARS = 7

/** Nodes stand on every other row, each layer centred on the tallest. */
const rowsOf = (layer: readonly string[], tallest: number): ReadonlyMap<number, string> =>
  new Map(layer.map((name, index) => [tallest - layer.length + 2 * index, name]))

const drawnLayers = (layers: readonly (readonly string[])[], paint: (name: string) => string): readonly string[] => {
  const tallest = Math.max(...layers.map((layer) => layer.length))
  const lines = Array.from({ length: 2 * tallest - 1 }, () => ' ')
  for (const [index, layer] of layers.entries()) {
    const before = layers[index - 1]
    const rows = rowsOf(layer, tallest)
    if (before !== undefined) drawJoint(lines, rowsOf(before, tallest), rows)
    const isLast = index === layers.length - 1
    const width = widthOf(layer)
    for (const [row, line] of lines.entries()) {
      const name = rows.get(row)
      const fill = (name !== undefined && !isLast ? '─' : ' ').repeat(width - (name?.length ?? 0))
      lines[row] =
        line + (name === undefined ? '' : paint(name)) + (name !== undefined && fill !== '' ? ` ${fill.slice(1)}` : fill)
    }
  }
  return lines.map((line) => line.trimEnd()).filter((line) => line !== '')
}

const drawJoint = (lines: string[], left: ReadonlyMap<number, string>, right: ReadonlyMap<number, string>): void => {
  const rows = [...left.keys(), ...right.keys()]
  const [top, bottom] = [Math.min(...rows), Math.max(...rows)]
  for (const [row, line] of lines.entries()) {
    const [comes, goes] = [left.has(row), right.has(row)]
    const inside = row >= top && row <= bottom
    const knot = inside ? KNOTS[knotKey(comes, goes, row > top, row < bottom)] : ' '
    const lead = line.endsWith('─') || line.endsWith(' ') ? '───' : ' ──'
    lines[row] = `${line}${comes ? lead : '   '}${knot ?? ' '}${goes ? '─▶ ' : '   '}`
  }
}

const knotKey = (left: boolean, right: boolean, up: boolean, down: boolean): string =>
  `${left ? 'l' : ''}${right ? 'r' : ''}${up ? 'u' : ''}${down ? 'd' : ''}`

const KNOTS: { readonly [sides: string]: string } = {
  lr: '─',
  lrud: '┼',
  lru: '┴',
  lrd: '┬',
  lud: '┤',
  lu: '┘',
  ld: '┐',
  rud: '├',
  ru: '└',
  rd: '┌',
  ud: '│',
}

const listed = (
  { edges }: PictureGraph,
  layers: readonly (readonly string[])[],
  paint: (name: string) => string,
): readonly string[] => {
  const width = Math.max(0, ...layers.map(widthOf))
  return layers.flatMap((layer, depth) =>
    layer.map((name) => {
      const after = edges.filter(({ to }) => to === name).map(({ from }) => from)
      const line = `  ${String(depth + 1).padStart(3)}  ${paint(name)}${' '.repeat(width - name.length)}`
      return after.length === 0 ? line.trimEnd() : `${line}  after ${after.join(', ')}`
    }),
  )
}
