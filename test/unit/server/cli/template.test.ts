/** Templates are checked and drawn from a file alone, without a server. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { json, standing, tasker } from './command-line.js'

const folder = mkdtempSync(join(tmpdir(), 'tasker-cli-'))
const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const DIAMOND_TEXT = `name: diamond
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
`
const DIAMOND = file('diamond.yaml', DIAMOND_TEXT)

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

test('lint says all there is to say, and fails for warnings too', async () => {
  const clean = await tasker(['template', 'lint', DIAMOND])
  expect(clean.exitCode).toBe(0)
  expect(clean.out).toContain(`${DIAMOND}:5:5 NO_RESULT_SCHEMA note: "start" does not say what its result looks like`)
  expect(clean.out).toContain(`${DIAMOND}: clean`)
  const odd = file(
    'odd.yaml',
    'name: odd\nnamespace_name: shop\nversion: 1.0.0\nloaded_from: x\nsteps: [{ name: a, handler: { callable: A } }]\n',
  )
  const warned = await tasker(['template', 'lint', DIAMOND, odd, '--json'])
  expect(warned.exitCode).toBe(1)
  expect(JSON.parse(warned.out)).toMatchObject({
    files: [
      { file: DIAMOND, clean: true, warnings: [], notes: [{}, {}, {}, {}] },
      { file: odd, clean: false, warnings: [{ code: 'LEGACY_FIELD', line: 4 }] },
    ],
  })
  expect((await tasker(['template', 'validate', odd])).exitCode).toBe(0)
})

test('two files are compared by what they say', async () => {
  const next = file(
    'next.yaml',
    DIAMOND_TEXT.replace('1.0.0', '2.0.0').replace('[left, right]', '[left]').replace('start }', 'Go }'),
  )
  const compared = await tasker(['template', 'diff', DIAMOND, next])
  expect(compared).toMatchObject({ exitCode: 0, err: '' })
  expect(compared.out).toBe(
    ['~ /version: "1.0.0" -> "2.0.0"', '~ /steps/end/dependencies: ["left","right"] -> ["left"]', ''].join('\n'),
  )
  expect((await tasker(['template', 'diff', DIAMOND, next, '--exit-code'])).exitCode).toBe(1)
  expect((await tasker(['template', 'diff', DIAMOND, next, '--lines'])).out).toContain('- version: 1.0.0')
  const same = file('same.json', JSON.stringify({ version: '1.0.0', namespace_name: 'shop', name: 'one', steps: [] }))
  expect(await tasker(['template', 'diff', same, same, '--exit-code'])).toMatchObject({ exitCode: 0, out: 'nothing differs\n' })
})

test('a file is compared with what is registered', async () => {
  const server = await standing((_asked, response) => {
    json(response, 200, { namespace: 'shop', name: 'diamond', version: '1.0.0', content: DIAMOND_TEXT.replace('Start', 'Begin') })
  })
  const { exitCode, out } = await tasker(['template', 'diff', 'shop/diamond@1.0.0', DIAMOND, '--url', server.url, '--json'])
  await server.close()
  expect(exitCode).toBe(0)
  expect(server.asked.map(({ url }) => url)).toEqual(['/v1/templates/shop/diamond/1.0.0'])
  expect(JSON.parse(out)).toMatchObject({
    same: false,
    changes: [{ type: 'changed', path: '/steps/start/handler/callable', before: 'Begin', after: 'Start' }],
  })
})

test('what a registration warns of is told', async () => {
  const server = await standing((_asked, response) => {
    const warnings = [{ code: 'LEGACY_FIELD', message: '"limit" is read as "max_attempts"', path: '/steps/0/retry/limit' }]
    json(response, 201, { namespace: 'shop', name: 'diamond', version: '1.0.0', outcome: 'registered', warnings })
  })
  const { out, err } = await tasker(['template', 'register', DIAMOND, '--url', server.url])
  await server.close()
  expect(out).toBe('shop/diamond@1.0.0 registered\n')
  expect(err).toContain('LEGACY_FIELD warning: "limit" is read as "max_attempts" (/steps/0/retry/limit)')
})
