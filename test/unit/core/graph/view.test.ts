import {
  ancestorsOf,
  graphMermaid,
  graphView,
  planOf,
  templateHash,
  validateTemplate,
  visibleTo,
  type Json,
  type Plan,
} from '@tasker/core'
import { describe, expect, test } from 'vitest'

const plan = (steps: Readonly<Record<string, readonly string[]>>, more: { readonly [key: string]: Json } = {}): Plan => {
  const check = validateTemplate({
    name: 'order',
    namespace_name: 'shop',
    version: '1.0.0',
    ...more,
    steps: Object.entries(steps).map(([name, dependencies]) => ({ name, dependencies, handler: { callable: `Shop.${name}` } })),
  })
  if (check.type === 'invalid') throw new Error(JSON.stringify(check.problems))
  return planOf(check.template, templateHash('0'))
}

const seen = (of: Plan, step: number) => visibleTo({ plan: of, graph: of }, step)

const diamond = { a: [], b: ['a'], c: ['a'], d: ['b', 'c'] }

describe('ancestors', () => {
  test('are all steps before a step, each once, in the order of the file', () => {
    const graph = plan(diamond)
    expect([0, 1, 2, 3].map((step) => ancestorsOf(graph, step))).toEqual([[], [0], [0], [0, 1, 2]])
  })

  test('are worked out once a plan', () => {
    const graph = plan(diamond)
    expect(ancestorsOf(graph, 3)).toBe(ancestorsOf(graph, 3))
  })

  test('of a step that is not in the plan are a bug', () => {
    expect(() => ancestorsOf(plan(diamond), 4)).toThrow('no step 4')
  })

  test('a step sees them all, or its dependencies alone where the template says so', () => {
    expect(seen(plan(diamond), 3)).toEqual([0, 1, 2])
    expect(seen(plan(diamond, { dependency_scope: 'direct' }), 3)).toEqual([1, 2])
  })
})

describe('the graph of a template', () => {
  test('names steps and edges in the order of the file', () => {
    const view = graphView(plan({ a: [], b: ['a'] }))
    expect(view).toEqual({
      namespace: 'shop',
      name: 'order',
      version: '1.0.0',
      nodes: [
        { id: 'a', type: 'standard', handler: 'Shop.a', status: undefined, attempts: undefined },
        { id: 'b', type: 'standard', handler: 'Shop.b', status: undefined, attempts: undefined },
      ],
      edges: [{ from: 'a', to: 'b' }],
    })
  })

  test('is drawn by Mermaid whatever its steps are called', () => {
    const view = graphView(plan({ 'a"]; click': [], 'naïve 😀 <b>#end|x`': ['a"]; click'] }))
    expect(graphMermaid(view)).toBe(
      ['flowchart TD', '  s0["a#34;#93;#59; click"]', '  s1["naïve 😀 #60;b#62;#35;end#124;x#96;"]', '  s0 --> s1', ''].join(
        '\n',
      ),
    )
  })

  test('shows how far a task has come', () => {
    const view = graphView(plan({ a: [], b: ['a'] }))
    const [a, b] = view.nodes
    if (a === undefined || b === undefined) throw new Error('two nodes are expected')
    const nodes = [
      { ...a, status: 'complete' as const, attempts: 2 },
      { ...b, status: 'pending' as const, attempts: 0 },
    ]
    expect(graphMermaid({ ...view, nodes })).toBe(
      [
        'flowchart TD',
        '  s0["a<br/>complete, attempt 2"]:::complete',
        '  s1["b<br/>pending"]:::pending',
        '  s0 --> s1',
        '  classDef complete fill:#bbf7d0,stroke:#15803d,color:#111111',
        '  classDef pending fill:#eeeeee,stroke:#888888,color:#111111',
        '',
      ].join('\n'),
    )
  })
})
