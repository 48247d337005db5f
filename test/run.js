/**
 * Runs everything that must hold: `npm test`. Words after `--` choose test files by path, for vitest only; the other checks always run.
 *
 * `TASKER_TEST_ALL=1` makes a failure of whatever was left out. `TASKER_NODE_24` names a second Node that runs the unit tests too.
 * The last line is `N passed, N failed`: each test counts, and each check that is not a test counts as one.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const scratch = mkdtempSync(join(tmpdir(), 'tasker-test-'))
const strict = process.env.TASKER_TEST_ALL === '1'
const filters = process.argv.slice(2)
const total = { passed: 0, failed: 0 }
const leftOut = []
const elsewhere = []

const GENERATED = 'proto/src/gen'
const CRUISED = [
  'core/src',
  'proto/src',
  'server/src',
  'server/bin',
  'server/dev-postgres/src',
  'sdk/typescript/src',
  'sdk/testing/src',
  'examples',
  'test',
]

/** The script npm linked as a command, to be run by the Node that is asked for. */
const program = (command) => join(root, 'node_modules/.bin', command)

const run = (node, args, options = {}) => {
  const result = spawnSync(node, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options })
  if (result.error) console.log(String(result.error))
  return result.status === 0
}

const timed = (title, action) => {
  console.log(`\n== ${title}`)
  const startedAt = performance.now()
  const { passed, failed } = action()
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  total.passed += passed
  total.failed += failed
  console.log(`-- ${title}: ${failed === 0 ? 'ok' : `${failed} failed`} in ${seconds} s`)
}

const check = (title, action) => timed(title, () => (action() ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }))

const filesUnder = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()

const stubsAreFresh = () => {
  // buf finds its plugin by name, where npm links commands.
  const env = { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH ?? ''}` }
  if (!run(process.execPath, [program('buf'), 'generate', 'proto', '--output', scratch], { env })) return false
  const fresh = join(scratch, GENERATED)
  const kept = join(root, GENERATED)
  const stale = [...new Set([...filesUnder(fresh), ...filesUnder(kept)])].filter(
    (file) =>
      !existsSync(join(fresh, file)) ||
      !existsSync(join(kept, file)) ||
      readFileSync(join(fresh, file), 'utf8') !== readFileSync(join(kept, file), 'utf8'),
  )
  for (const file of stale) console.log(`stale: ${join(GENERATED, file)} (npm run generate)`)
  return stale.length === 0
}

const vitest = (node, args) => {
  const file = join(scratch, `count-${total.passed}-${total.failed}.json`)
  const reporters = ['--reporter=default', `--reporter=${join(root, 'test/reporter.js')}`]
  const ended = run(node, [program('vitest'), 'run', ...reporters, ...args], { env: { ...process.env, TASKER_TEST_COUNT: file } })
  let count
  try {
    count = JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    console.log('vitest ended before it counted')
    return { passed: 0, failed: 1 }
  }
  leftOut.push(...count.leftOut)
  elsewhere.push(...count.elsewhere)
  return { passed: count.passed, failed: ended ? count.failed : Math.max(count.failed, 1) }
}

const second = process.env.TASKER_NODE_24

check('format', () => run(process.execPath, [program('biome'), 'format', '.']))
check('types', () => run(process.execPath, [program('tsc'), '-b']))
check('lint', () => run(process.execPath, [program('eslint'), '.', '--max-warnings=0']))
check('walls', () => run(process.execPath, [program('depcruise'), '--config', '.dependency-cruiser.cjs', ...CRUISED]))
check('dead code', () => run(process.execPath, [program('knip')]))
check('generated stubs', stubsAreFresh)
timed('tests', () => vitest(process.execPath, filters))
if (second) timed('unit tests on a second Node', () => vitest(second, ['test/unit']))
else
  leftOut.push({
    name: 'unit tests on Node 24',
    note: 'npm install --prefix /tmp/node-24 node@24 && TASKER_NODE_24=/tmp/node-24/node_modules/node/bin/node npm test',
  })

rmSync(scratch, { recursive: true, force: true })

if (elsewhere.length > 0) console.log(`\n${elsewhere.length} for another kind of machine:`)
for (const name of elsewhere) console.log(`  ${name}`)
if (leftOut.length > 0) console.log(`\n${leftOut.length} left out:`)
for (const { name, note } of leftOut) console.log(`  ${name}: ${note}`)
if (strict) total.failed += leftOut.length

console.log(`\n${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed === 0 ? 0 : 1
