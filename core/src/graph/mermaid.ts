/** A graph as Mermaid text, which GitHub, editors and the dashboard draw. */
import type { StepStatus } from '../task/state.js'
import type { GraphNode, GraphView } from './view.js'

/** Fill and border a status; colours are dark enough for black text on a light page and the reverse. */
const STYLE_OF: { readonly [Status in StepStatus]: string } = {
  uncreated: 'fill:#ffffff,stroke:#9ca3af,color:#6b7280,stroke-dasharray:4 3',
  not_taken: 'fill:#ffffff,stroke:#d1d5db,color:#9ca3af,stroke-dasharray:1 3',
  pending: 'fill:#eeeeee,stroke:#888888,color:#111111',
  enqueued: 'fill:#dbeafe,stroke:#2563eb,color:#111111',
  in_progress: 'fill:#93c5fd,stroke:#1d4ed8,color:#111111',
  waiting_for_retry: 'fill:#fde68a,stroke:#b45309,color:#111111',
  complete: 'fill:#bbf7d0,stroke:#15803d,color:#111111',
  error: 'fill:#fecaca,stroke:#b91c1c,color:#111111',
  skipped: 'fill:#f3f4f6,stroke:#9ca3af,color:#374151,stroke-dasharray:4 3',
  resolved_manually: 'fill:#ddd6fe,stroke:#6d28d9,color:#111111',
  compensated: 'fill:#e9d5ff,stroke:#7e22ce,color:#111111',
  cancelled: 'fill:#d1d5db,stroke:#4b5563,color:#111111',
}

/** A flow chart from top to bottom. Names may hold anything: nodes are numbered, and their labels escaped. */
export const graphMermaid = (view: GraphView): string => {
  const numberOf = new Map(view.nodes.map((node, index) => [node.id, index]))
  const lines = ['flowchart TD']
  view.nodes.forEach((node, index) => {
    lines.push(`  s${index}["${label(node)}"]${node.status === undefined ? '' : `:::${node.status}`}`)
  })
  for (const edge of view.edges) lines.push(`  s${numberOf.get(edge.from) ?? 0} --> s${numberOf.get(edge.to) ?? 0}`)
  const shown = new Set(view.nodes.flatMap((node) => (node.status === undefined ? [] : [node.status])))
  for (const status of shown) lines.push(`  classDef ${status} ${STYLE_OF[status]}`)
  return `${lines.join('\n')}\n`
}

const label = (node: GraphNode): string => {
  const name = escaped(node.id)
  if (node.status === undefined) return name
  const times = (node.attempts ?? 0) > 1 ? `, attempt ${node.attempts}` : ''
  return `${name}<br/>${node.status}${times}`
}

/** Letters, digits and the punctuation that means nothing to Mermaid stay; every other ASCII character becomes a numbered entity. */
const escaped = (text: string): string =>
  text.replace(/[^\w .,:+=()/-]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    return code < 0x80 ? `#${code};` : character
  })
