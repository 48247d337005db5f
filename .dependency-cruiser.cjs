/**
 * The walls of the house. Each rule has a planted violation in `test/architecture/walls.test.ts`, which also counts the modules seen:
 * a cruiser that resolves nothing reports nothing.
 *
 * Never `exclude` what matches `node_modules` or `dist` in general: a dependency that is excluded cannot break a rule.
 */

/** A room of the server: one file, or a folder. */
const room = (...names) => `^server/src/(${names.join('|')})(/|[-.])`

const leaves = ['config', 'faults', 'telemetry', 'database']
const adapters =
  '^server/src/(log/(memory|postgres|eventstoredb)/|publishers/(pgmq|rabbitmq)/|archive/postgres/|(projections|query)/(memory|postgres)[-./])'
const product = '^(core|proto|server|sdk|examples)/'
const builtOutput = '^(core|proto|server|server/dev-postgres|sdk/[^/]+|examples|test)/dist/'

const entries = '^(core/src/index|server/src/(index|main|cli/main)|server/dev-postgres/src/index|sdk/[^/]+/src/index)\\.ts$'

/** A library that enters the product by the rooms named and by no other. */
const entersBy = (library, packages, rooms) => ({
  name: `${library}-enters-by-its-room`,
  comment: `${library} is known to ${rooms} only: a change of library stays in its room.`,
  severity: 'error',
  from: { path: product, pathNot: rooms },
  to: { path: `(^|/)node_modules/(@types/)?(${packages})/` },
})

module.exports = {
  forbidden: [
    {
      name: 'no-cycle',
      comment: 'A cycle cannot be read downward; imports of types count.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'core-stands-alone',
      comment: 'The core is pure: nothing outside, no Node built-in, and no library but the pure ones that a rule names.',
      severity: 'error',
      from: { path: '^core/src/' },
      to: { pathNot: ['^core/src/', '(^|/)node_modules/(@marcbachmann/cel-js|croner)/'] },
    },
    {
      name: 'kernel-is-the-bottom',
      comment: 'Everything in the core may use the kernel, which uses nobody.',
      severity: 'error',
      from: { path: '^core/src/kernel/' },
      to: { pathNot: '^core/src/kernel/' },
    },
    {
      name: 'log-and-engine-know-no-door',
      comment: 'Data flows one way: neither the log nor what runs on it knows who asks or who reads.',
      severity: 'error',
      from: { path: room('log', 'engine', 'dispatch', 'timers', 'templates', 'projections', 'publishers') },
      to: { path: room('grpc', 'rest', 'cli', 'query', 'compose', 'main') },
    },
    {
      name: 'log-knows-no-engine',
      comment: 'The log is below what it serves.',
      severity: 'error',
      from: { path: room('log') },
      to: { path: room('engine', 'dispatch', 'timers', 'templates', 'projections', 'publishers') },
    },
    {
      name: 'doors-are-strangers',
      comment: 'gRPC, REST and the command line share engine and query, never each other.',
      severity: 'error',
      from: { path: '^server/src/(grpc|rest|cli)/' },
      to: { path: '^server/src/(grpc|rest|cli)/', pathNot: '^server/src/$1/' },
    },
    {
      name: 'doors-see-the-engine-by-its-api',
      comment: 'A front door knows what may be asked (`engine/api.ts`) and how it is read (`query`), not how it is kept.',
      severity: 'error',
      from: { path: room('grpc', 'rest') },
      to: {
        path: room('engine', 'dispatch', 'timers', 'log', 'projections', 'compose', 'main'),
        pathNot: '^server/src/engine/api\\.ts$',
      },
    },
    {
      name: 'cli-is-a-rest-client',
      comment:
        'The command line talks to a server over REST; what starts a server goes through `compose`, what works offline reads templates, proofs and archives.',
      severity: 'error',
      from: { path: room('cli') },
      to: {
        path: '^server/src/',
        pathNot: room('cli', 'compose', 'archive', 'audit', 'templates', 'config', 'faults', 'telemetry', 'database'),
      },
    },
    {
      name: 'cli-touches-the-database-by-name',
      comment: 'Only what migrates and diagnoses a database opens one, and what brings up the whole of Tasker on one machine.',
      severity: 'error',
      from: {
        path: room('cli'),
        pathNot: [
          '^server/src/cli/(migrate|doctor)',
          '^server/src/cli/[^/]+/(migrate|doctor)',
          '^server/src/cli/local/stack\\.ts$',
        ],
      },
      to: { path: room('database') },
    },
    {
      name: 'adapters-only-in-compose',
      comment: 'A port has one place where its adapter is chosen.',
      severity: 'error',
      from: { path: product, pathNot: [adapters, room('compose')] },
      to: { path: adapters },
    },
    {
      name: 'adapters-are-strangers',
      comment: 'One adapter of the log knows nothing of another.',
      severity: 'error',
      from: { path: '^server/src/log/(memory|postgres|eventstoredb)/' },
      to: { path: '^server/src/log/(memory|postgres|eventstoredb)/', pathNot: '^server/src/log/$1/' },
    },
    entersBy('pg', 'pg', room('database', 'log/postgres', 'projections', 'publishers', 'query', 'archive/postgres')),
    entersBy('amqplib', 'amqplib', room('publishers/rabbitmq')),
    entersBy('fastify', 'fastify|fastify-type-provider-zod|@fastify/[^/]+', room('rest')),
    entersBy('grpc', '@grpc/[^/]+|grpc-health-check', `${room('grpc')}|^sdk/typescript/src/wire/|^proto/src/gen/`),
    entersBy('cel', '@marcbachmann/cel-js', '^core/src/expression/'),
    entersBy('croner', 'croner', '^core/src/schedule/'),
    entersBy('yaml', 'yaml', room('templates')),
    entersBy('commander', 'commander', room('cli')),
    entersBy('prom-client', 'prom-client', room('telemetry')),
    {
      name: 'leaves-use-nobody',
      comment: 'Everybody may use a leaf; a leaf knows itself, the words for faults, and how work is left to itself.',
      severity: 'error',
      from: { path: `^server/src/(${leaves.join('|')})(/|[-.])` },
      to: { path: '^server/src/', pathNot: ['^server/src/$1(/|[-.])', room('faults', 'background')] },
    },
    {
      name: 'sdk-stands-alone',
      comment: 'A worker needs neither core nor server.',
      severity: 'error',
      from: { path: '^sdk/typescript/' },
      to: { path: '^(core|server|examples)/' },
    },
    {
      name: 'durable-is-pure',
      comment:
        'The scheduler of durable functions touches no wire, no clock and no Node built-in: besides itself it knows errors, limits, names, schemas and JSON.',
      severity: 'error',
      from: { path: '^sdk/typescript/src/durable/' },
      to: {
        pathNot: '^sdk/typescript/src/(durable/|errors/|(limits|duration|step/json|definition/(check-name|schema))\\.ts$)',
      },
    },
    {
      name: 'nothing-ships-its-tests',
      comment: 'What runs in production knows nothing of the package that tests are written with.',
      severity: 'error',
      from: { path: product, pathNot: '^(sdk/testing|examples)/' },
      to: { path: '^sdk/testing/' },
    },
    {
      name: 'testing-comes-in-by-one-door',
      comment: 'The server of a test is a whole one: it is started and spoken to, and not looked into.',
      severity: 'error',
      from: { path: '^sdk/testing/' },
      to: { path: '^server/src/', pathNot: '^server/src/(compose/in-process|grpc/(in-process|memory-call))\\.ts$' },
    },
    {
      name: 'proto-stands-alone',
      comment: 'The wire belongs to no side of it.',
      severity: 'error',
      from: { path: '^proto/' },
      to: { path: '^(core|server|sdk|examples)/' },
    },
    {
      name: 'dev-postgres-stands-alone',
      comment: 'The launcher of PostgreSQL is a package of its own.',
      severity: 'error',
      from: { path: '^server/dev-postgres/' },
      to: { path: '^(core|proto|server/src|sdk|examples)/' },
    },
    {
      name: 'src-never-sees-test',
      comment: 'What ships does not know how it is tested.',
      severity: 'error',
      from: { path: product },
      to: { path: '^test/|(^|/)node_modules/(vitest|fast-check|@vitest/[^/]+)/' },
    },
    {
      name: 'examples-see-the-front-door',
      comment: 'An example is what a user can write: the SDK, zod and Node.',
      severity: 'error',
      from: { path: '^examples/([^/]+)/' },
      to: {
        pathNot: ['^examples/$1/', '^sdk/typescript/src/index\\.ts$', '(^|/)node_modules/zod/'],
        dependencyTypesNot: ['core'],
      },
    },
    {
      name: 'tests-come-in-by-a-door',
      comment: 'A test names the package it tests, so that it sees what the package exports.',
      severity: 'error',
      from: { path: '^test/' },
      to: { path: product, dependencyTypes: ['local'] },
    },
    {
      name: 'sources-not-builds',
      comment: 'Inside the workspace a source imports sources; a build that is read is stale some day.',
      severity: 'error',
      from: { pathNot: [builtOutput, '^server/bin/'] },
      to: { path: builtOutput },
    },
    {
      name: 'resolvable',
      comment:
        'An import that does not resolve is an import that no rule sees. Peers of the bench are installed apart, on demand.',
      severity: 'error',
      from: { pathNot: '^(server/bin|test/bench/peers)/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'no-file-without-a-way-in',
      comment: 'A source that no entry reaches is dead, even if a test keeps it company.',
      severity: 'error',
      from: { path: entries },
      to: {
        path: '^(core|server|server/dev-postgres|sdk/[^/]+)/src/',
        pathNot: entries,
        reachable: false,
      },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: '(^|/)node_modules/' },
    exclude: { path: '^(test|examples)/dist/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'types', 'node', 'import', 'require', 'default'],
      extensions: ['.ts', '.d.ts', '.js', '.cjs', '.mjs', '.json'],
    },
  },
}
