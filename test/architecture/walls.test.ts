/** The walls between the rooms: they hold in the project, and each one fires where it was broken on purpose. */
import { mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cruise, type ICruiseResult } from 'dependency-cruiser'
import extractOptions from 'dependency-cruiser/config-utl/extract-depcruise-options'
import { expect, test } from 'vitest'
import { inPlantedTree, projectRoot, readTree } from './tree.js'

const ROOMS = [
  'core/src',
  'proto/src',
  'server/src',
  'server/dev-postgres/src',
  'sdk/typescript/src',
  'sdk/testing/src',
  'examples',
  'test',
]
const CONFIGURATION = join(projectRoot, '.dependency-cruiser.cjs')

const cruiseTree = async (root: string, rooms: readonly string[]): Promise<ICruiseResult> => {
  const options = await extractOptions(CONFIGURATION)
  const { output } = await cruise([...rooms], { ...options, baseDir: root })
  if (typeof output === 'string') throw new Error('the cruiser answered with a text, not with what it saw')
  return output
}

/** `rule: from`, once each, sorted. */
const broken = (result: ICruiseResult): readonly string[] =>
  [...new Set(result.summary.violations.map((violation) => `${violation.rule.name}: ${violation.from}`))].sort()

const stubs = [
  '@marcbachmann/cel-js',
  'croner',
  'pg',
  'amqplib',
  'fastify',
  '@grpc/grpc-js',
  'yaml',
  'commander',
  'prom-client',
  'vitest',
  'zod',
]
const packages: Readonly<Record<string, string>> = {
  core: 'core',
  sdk: 'sdk/typescript',
  testing: 'sdk/testing',
  server: 'server',
  proto: 'proto',
}

const importing = (...specifiers: readonly string[]): string =>
  specifiers.map((from) => `import type {} from '${from}'\n`).join('')

/** Who breaks which wall, by what import. */
const plants: readonly { readonly rule: string; readonly at: string; readonly imports: readonly string[] }[] = [
  { rule: 'no-cycle', at: 'core/src/task/one.ts', imports: ['./other.js'] },
  { rule: 'core-stands-alone', at: 'core/src/task/reads-files.ts', imports: ['node:fs'] },
  { rule: 'core-stands-alone', at: 'core/src/task/parses.ts', imports: ['zod'] },
  { rule: 'kernel-is-the-bottom', at: 'core/src/kernel/looks-up.ts', imports: ['../task/state.js'] },
  { rule: 'log-and-engine-know-no-door', at: 'server/src/log/serves.ts', imports: ['../rest/app.js'] },
  { rule: 'log-and-engine-know-no-door', at: 'server/src/engine/reads.ts', imports: ['../query/query.js'] },
  { rule: 'log-and-engine-know-no-door', at: 'server/src/dispatch/wires.ts', imports: ['../grpc/service.js'] },
  { rule: 'log-knows-no-engine', at: 'server/src/log/runs.ts', imports: ['../engine/api.js'] },
  { rule: 'doors-are-strangers', at: 'server/src/rest/calls-grpc.ts', imports: ['../grpc/service.js'] },
  { rule: 'doors-are-strangers', at: 'server/src/grpc/calls-cli.ts', imports: ['../cli/main.js'] },
  { rule: 'doors-are-strangers', at: 'server/src/cli/calls-rest.ts', imports: ['../rest/app.js'] },
  { rule: 'cli-is-a-rest-client', at: 'server/src/cli/calls-rest.ts', imports: ['../rest/app.js'] },
  { rule: 'doors-see-the-engine-by-its-api', at: 'server/src/rest/digs.ts', imports: ['../engine/partition.js'] },
  { rule: 'doors-see-the-engine-by-its-api', at: 'server/src/grpc/digs.ts', imports: ['../log/port.js'] },
  { rule: 'cli-is-a-rest-client', at: 'server/src/cli/asks-engine.ts', imports: ['../engine/api.js'] },
  { rule: 'cli-is-a-rest-client', at: 'server/src/cli/asks-query.ts', imports: ['../query/query.js'] },
  { rule: 'cli-touches-the-database-by-name', at: 'server/src/cli/asks-tables.ts', imports: ['../database.js'] },
  { rule: 'adapters-only-in-compose', at: 'server/src/engine/chooses.ts', imports: ['../log/memory/memory-log.js'] },
  { rule: 'adapters-only-in-compose', at: 'server/src/rest/chooses.ts', imports: ['../query/postgres-query.js'] },
  { rule: 'adapters-are-strangers', at: 'server/src/log/memory/borrows.ts', imports: ['../postgres/postgres-log.js'] },
  { rule: 'pg-enters-by-its-room', at: 'server/src/engine/selects.ts', imports: ['pg'] },
  { rule: 'amqplib-enters-by-its-room', at: 'server/src/engine/sends.ts', imports: ['amqplib'] },
  { rule: 'fastify-enters-by-its-room', at: 'server/src/grpc/listens.ts', imports: ['fastify'] },
  { rule: 'grpc-enters-by-its-room', at: 'server/src/rest/streams.ts', imports: ['@grpc/grpc-js'] },
  { rule: 'grpc-enters-by-its-room', at: 'sdk/typescript/src/client.ts', imports: ['@grpc/grpc-js'] },
  { rule: 'cel-enters-by-its-room', at: 'core/src/task/asks.ts', imports: ['@marcbachmann/cel-js'] },
  { rule: 'croner-enters-by-its-room', at: 'core/src/task/tells-time.ts', imports: ['croner'] },
  { rule: 'yaml-enters-by-its-room', at: 'server/src/cli/parses.ts', imports: ['yaml'] },
  { rule: 'commander-enters-by-its-room', at: 'server/src/engine/takes-flags.ts', imports: ['commander'] },
  { rule: 'prom-client-enters-by-its-room', at: 'server/src/rest/counts.ts', imports: ['prom-client'] },
  { rule: 'leaves-use-nobody', at: 'server/src/telemetry/peeks.ts', imports: ['../engine/api.js'] },
  { rule: 'leaves-use-nobody', at: 'server/src/config.ts', imports: ['./database.js'] },
  { rule: 'sdk-stands-alone', at: 'sdk/typescript/src/decides.ts', imports: ['@tasker/core'] },
  { rule: 'sdk-stands-alone', at: 'sdk/typescript/src/serves.ts', imports: ['@tasker/server/internal/faults'] },
  { rule: 'durable-is-pure', at: 'sdk/typescript/src/durable/reads-files.ts', imports: ['node:fs'] },
  { rule: 'durable-is-pure', at: 'sdk/typescript/src/durable/speaks.ts', imports: ['../wire/grpc.js'] },
  { rule: 'durable-is-pure', at: 'sdk/typescript/src/durable/parses.ts', imports: ['zod'] },
  { rule: 'nothing-ships-its-tests', at: 'server/src/engine/tests-itself.ts', imports: ['@tasker/testing'] },
  {
    rule: 'testing-comes-in-by-one-door',
    at: 'sdk/testing/src/digs.ts',
    imports: ['@tasker/server/internal/faults'],
  },
  { rule: 'proto-stands-alone', at: 'proto/src/leans.ts', imports: ['@tasker/core'] },
  { rule: 'dev-postgres-stands-alone', at: 'server/dev-postgres/src/leans.ts', imports: ['@tasker/core'] },
  { rule: 'src-never-sees-test', at: 'server/src/engine/is-tested.ts', imports: ['../../../test/support/clock.js'] },
  { rule: 'src-never-sees-test', at: 'server/src/engine/tests.ts', imports: ['vitest'] },
  { rule: 'examples-see-the-front-door', at: 'examples/01-one/worker.ts', imports: ['@tasker/sdk/internal/client'] },
  { rule: 'examples-see-the-front-door', at: 'examples/02-two/worker.ts', imports: ['../01-one/ok.js'] },
  { rule: 'tests-come-in-by-a-door', at: 'test/unit/server/digs.test.ts', imports: ['../../../server/src/faults.js'] },
  { rule: 'sources-not-builds', at: 'server/src/engine/reads-build.ts', imports: ['../../../core/dist/index.js'] },
  { rule: 'resolvable', at: 'server/src/engine/reads-nothing.ts', imports: ['./nowhere.js'] },
]

/** What the plants import, and one of everything that is allowed. */
const ground: Readonly<Record<string, readonly string[]>> = {
  'core/src/index.ts': [
    './task/state.js',
    './expression/expression.js',
    './schedule/cron.js',
    ...plants.filter(({ at }) => at.startsWith('core/')).map(({ at }) => toSpecifier('core/src', at)),
  ],
  'core/src/task/state.ts': ['../kernel/brand.js'],
  'core/src/kernel/brand.ts': [],
  'core/src/expression/expression.ts': ['@marcbachmann/cel-js'],
  'core/src/schedule/cron.ts': ['croner'],
  'core/src/task/other.ts': ['./one.js'],
  'core/src/task/unreached.ts': [],
  'core/dist/index.js': [],
  'proto/src/index.ts': ['./gen/task.js'],
  'proto/src/gen/task.ts': ['@grpc/grpc-js'],
  'server/src/index.ts': [
    './compose.js',
    './cli/migrate.js',
    ...plants
      .filter(({ at }) => at.startsWith('server/src/') && !at.includes('/memory/'))
      .map(({ at }) => toSpecifier('server/src', at)),
  ],
  'server/src/compose.ts': [
    './log/memory/memory-log.js',
    './log/memory/borrows.js',
    './templates/parse.js',
    './log/postgres/postgres-log.js',
    './query/postgres-query.js',
    './rest/app.js',
  ],
  'server/src/faults.ts': [],
  'server/src/database.ts': ['./faults.js', 'pg'],
  'server/src/log/port.ts': ['@tasker/core'],
  'server/src/log/memory/memory-log.ts': ['../port.js'],
  'server/src/log/postgres/postgres-log.ts': ['../port.js', 'pg', 'node:crypto'],
  'server/src/engine/api.ts': ['../log/port.js'],
  'server/src/engine/partition.ts': ['./api.js'],
  'server/src/query/query.ts': [],
  'server/src/query/postgres-query.ts': ['./query.js', 'pg'],
  'server/src/rest/app.ts': ['fastify', '../engine/api.js', '../query/query.js', '../faults.js'],
  'server/src/grpc/service.ts': ['@grpc/grpc-js', '../engine/api.js'],
  'server/src/cli/main.ts': ['commander'],
  'server/src/cli/migrate.ts': ['../database.js'],
  'server/src/templates/parse.ts': ['yaml'],
  'sdk/typescript/src/index.ts': [
    './wire/grpc.js',
    ...plants.filter(({ at }) => at.startsWith('sdk/typescript/src/')).map(({ at }) => toSpecifier('sdk/typescript/src', at)),
  ],
  'sdk/typescript/src/wire/grpc.ts': ['@grpc/grpc-js', '@tasker/proto'],
  'sdk/testing/src/index.ts': ['./digs.js', '@tasker/sdk'],
  'server/dev-postgres/src/index.ts': ['./leans.js'],
  'examples/01-one/ok.ts': ['@tasker/sdk', 'zod', 'node:fs'],
  'test/support/clock.ts': ['@tasker/core'],
  'test/unit/server/rest.test.ts': ['@tasker/server/internal/rest/app', 'vitest', '../../support/clock.js'],
}

function toSpecifier(folder: string, path: string): string {
  return `.${path.slice(folder.length).replace(/\.ts$/, '.js')}`
}

const manifestOf = (folder: string): string =>
  JSON.stringify({
    name: folder,
    type: 'module',
    exports: { '.': { source: './src/index.ts' }, './internal/*': { source: './src/*.ts' } },
  })

const files: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(ground).map(([path, imports]) => [path, importing(...imports)])),
  ...Object.fromEntries(plants.map(({ at, imports }) => [at, importing(...imports)])),
  ...Object.fromEntries(Object.values(packages).map((folder) => [`${folder}/package.json`, manifestOf(folder)])),
  ...Object.fromEntries(stubs.map((name) => [`node_modules/${name}/index.js`, 'export const stub = true\n'])),
  ...Object.fromEntries(
    stubs.map((name) => [`node_modules/${name}/package.json`, JSON.stringify({ name, type: 'module', exports: './index.js' })]),
  ),
}

const linkPackages = (root: string): void => {
  for (const [name, folder] of Object.entries(packages)) {
    const link = join(root, 'node_modules/@tasker', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(root, folder), link)
  }
}

test('every wall fires where it is broken, and nowhere else', async () => {
  const result = await inPlantedTree(files, (root) => {
    linkPackages(root)
    return cruiseTree(root, ROOMS)
  })
  const expected = [...plants.map(({ rule, at }) => `${rule}: ${at}`), 'no-file-without-a-way-in: core/src/task/unreached.ts']
  expect(broken(result).filter((line) => !expected.includes(line))).toEqual([])
  expect(expected.filter((line) => !broken(result).includes(line))).toEqual([])
})

test('no wall is without a planted violation', async () => {
  const options = await extractOptions(CONFIGURATION)
  const walls = (options.ruleSet?.forbidden ?? []).map((rule) => rule.name)
  const planted = new Set([...plants.map(({ rule }) => rule), 'no-file-without-a-way-in'])
  expect(walls.filter((name) => name === undefined || !planted.has(name))).toEqual([])
})

test('no wall of the project is broken, and the cruiser saw every file', async () => {
  const rooms = ROOMS.map((room) => `${room}/`)
  const written = readTree(projectRoot).sources.filter(({ path }) => rooms.some((room) => path.startsWith(room)))
  const result = await cruiseTree(projectRoot, ROOMS)
  const seen = new Set(result.modules.map((module) => module.source))
  expect(written.map(({ path }) => path).filter((path) => !seen.has(path))).toEqual([])
  expect(result.summary.totalCruised).toBeGreaterThanOrEqual(written.length)
  expect(result.summary.totalDependenciesCruised).toBeGreaterThan(written.length)
  expect(broken(result)).toEqual([])
})
