/** Templates are checked and drawn from a file alone, without a server. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tasker } from './command-line.js'

const folder = mkdtempSync(join(tmpdir(), 'tasker-cli-'))
const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const DIAMOND = file(
  'diamond.yaml',
  `name: diamond
namespace_name: shop
version: 1.0.0
steps:
  - name: start
    handler: { callable: Start }
  - name: left
    handler: { callable: Left }
    dependencies: [start]
  - name: right
    handler: { callable: Right }
    dependencies: [start]
  - name: end
    handler: { callable: End }
    dependencies: [left, right]
`,
)

const BROKEN = file(
  'broken.yaml',
  `name: broken
namespace_name: shop
version: 1.0.0
steps:
  - name: a
    handler: { callable: A }
    dependencies: [c]
  - name: b
    handler: { callable: B }
    dependencies: [a, nobody]
  - name: c
    handler: { callable: C }
    dependencies: [b]
  - name: c
    handlr: { callable: C }
`,
)

test('a valid file is told so, with its name and steps', async () => {
  expect(await tasker(['template', 'validate', DIAMOND])).toEqual({
    exitCode: 0,
    out: `${DIAMOND}: valid, shop/diamond@1.0.0 with 4 steps\n`,
    err: '',
  })
})

test('every problem of a file has its line, its column and its code', async () => {
  const { exitCode, out } = await tasker(['template', 'validate', DIAMOND, BROKEN])
  expect(exitCode).toBe(1)
  const places = out.split('\n').flatMap((line) => /^.*broken\.yaml:(\d+:\d+ [A-Z_]+) \S/.exec(line)?.[1] ?? [])
  expect(places).toEqual([
    '7:20 CYCLE',
    '10:23 UNKNOWN_DEPENDENCY',
    '14:5 MISSING_FIELD',
    '14:11 DUPLICATE_STEP',
    '15:5 UNKNOWN_FIELD',
  ])
})

test('with --json the findings are data', async () => {
  const { exitCode, out } = await tasker(['template', 'validate', BROKEN, '--json'])
  expect(exitCode).toBe(1)
  expect(JSON.parse(out)).toMatchObject({ files: [{ file: BROKEN, valid: false, warnings: [] }] })
})

test('a file that is no YAML is refused with the place', async () => {
  const { exitCode, out } = await tasker(['template', 'validate', file('no.yaml', 'name: [a\nsteps: }')])
  expect(exitCode).toBe(1)
  expect(out).toMatch(/no\.yaml:\d+:\d+ YAML_SYNTAX /)
})

test('a graph is drawn as text, as Mermaid and as JSON', async () => {
  expect((await tasker(['template', 'graph', DIAMOND])).out).toBe(
    ['         ┌─▶ left ───┐', ' start ──┤           ├─▶ end', '         └─▶ right ──┘', ''].join('\n'),
  )
  expect((await tasker(['template', 'graph', DIAMOND, '--format', 'mermaid'])).out).toMatch(/^flowchart TD\n/)
  const { out } = await tasker(['template', 'graph', DIAMOND, '--json'])
  expect(JSON.parse(out)).toMatchObject({ name: 'diamond', edges: [{ from: 'start', to: 'left' }, {}, {}, {}] })
})

test('the graph of a broken file is its problems', async () => {
  const { exitCode, out, err } = await tasker(['template', 'graph', BROKEN])
  expect([exitCode, out]).toEqual([1, ''])
  expect(err).toContain('CYCLE')
})
