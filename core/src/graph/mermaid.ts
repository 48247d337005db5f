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

/** A task below another, in its graph. */
export interface ChildGraph {
  readonly taskId: string
  /** The task that began it, and its step that did. */
  readonly parent: string
  readonly step: string
  readonly key: string
  readonly name: string
  /** Of the task as a whole; undefined where it is not known. */
  readonly status: string | undefined
  /** Undefined where its steps are not known. */
  readonly view: GraphView | undefined
}

/** The same, with the tasks that the task began, each in a box of its own. */
export const familyMermaid = (taskId: string, view: GraphView, children: readonly ChildGraph[]): string => {
  const lines = graphMermaid(view).trimEnd().split('\n')
  const places = new Map<string, string>(view.nodes.map(({ id }, index) => [`${taskId}/${id}`, `s${index}`]))
  const shown = new Set(view.nodes.flatMap((node) => (node.status === undefined ? [] : [node.status])))
  children.forEach((child, number) => {
    const box = `t${number}`
    const title = escaped(`${child.key}: ${child.name}${child.status === undefined ? '' : `, ${child.status}`}`)
    lines.push(`  subgraph ${box}["${title}"]`)
    for (const [index, node] of (child.view?.nodes ?? []).entries()) {
      places.set(`${child.taskId}/${node.id}`, `${box}s${index}`)
      lines.push(`    ${box}s${index}["${label(node)}"]${node.status === undefined ? '' : `:::${node.status}`}`)
      if (node.status === undefined || shown.has(node.status)) continue
      shown.add(node.status)
      lines.push(`  classDef ${node.status} ${STYLE_OF[node.status]}`)
    }
    for (const edge of child.view?.edges ?? [])
      lines.push(
        `    ${places.get(`${child.taskId}/${edge.from}`) ?? box} --> ${places.get(`${child.taskId}/${edge.to}`) ?? box}`,
      )
    lines.push('  end', `  ${places.get(`${child.parent}/${child.step}`) ?? 's0'} -.-> ${box}`)
  })
  return `${lines.join('\n')}\n`
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
