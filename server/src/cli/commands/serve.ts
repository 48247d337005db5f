/** `tasker server`, `tasker dev` and `tasker migrate`: the commands that hold a database. */
import { type Command } from 'commander'
import { type CommandContext } from '../context.js'
import { EXIT, type ExitCode } from '../exit.js'
import { withDevSeals } from '../local/dev-seals.js'
import { startEmbeddedDatabase } from '../local/embedded-database.js'
import { addServerFlags, serverConfig } from '../local/server-settings.js'
import { awaitCurrentSchema, migrateDatabase, requireFreePorts, type RunningStack, startStack } from '../local/stack.js'
import { supervised, untilAsked } from '../local/supervise.js'
import { type Binding, examples } from './command.js'

type Flags = Readonly<Record<string, unknown>>

/** Stands for the URL that the embedded database has once it is started. */
export const EMBEDDED_URL = 'postgres://embedded/postgres'

export const DATA_DIR_DEFAULT = '.tasker'

export const addServeCommands = (program: Command, binding: Binding): void => {
  addServerFlags(program.command('server').description('the server for production, on your PostgreSQL'), [])
    .addHelpText('after', examples('DATABASE_URL=postgres://tasker:secret@db:5432/tasker tasker server --host 0.0.0.0'))
    .action((flags: Flags, command: Command) => binding.run(command, (context) => serve(context, flags)))
  addDevFlags(program.command('dev').description('a server with an embedded PostgreSQL: nothing to install, nothing to set up'))
    .addHelpText('after', examples('tasker dev', 'tasker dev --rest-port 0 --grpc-port 0 --ephemeral --json'))
    .action((flags: Flags, command: Command) => binding.run(command, (context) => dev(context, flags)))
  program
    .command('migrate')
    .description('bring the schema of the database at DATABASE_URL up to date')
    .option('--database-url <url>', 'PostgreSQL that keeps the log (DATABASE_URL)')
    .addHelpText('after', examples('DATABASE_URL=postgres://tasker:secret@db:5432/tasker tasker migrate'))
    .action((flags: Flags, command: Command) => binding.run(command, (context) => runMigrations(context, flags)))
}

/** The flags of the commands that bring their own database. */
export const addDevFlags = (command: Command): Command =>
  addServerFlags(
    command
      .option('--data-dir <folder>', 'where PostgreSQL keeps its data', DATA_DIR_DEFAULT)
      .option('--ephemeral', 'keep nothing: the data goes with the process'),
    ['databaseUrl', 'templateReplace'],
  )

const serve = (context: CommandContext, flags: Flags): Promise<ExitCode> => {
  const config = serverConfig(context.environment, flags)
  return supervised(context.terminal, async (site) => {
    await requireFreePorts(config)
    await awaitCurrentSchema(config, site.signal)
    const stack = await startStack(site, config)
    writeReady(context, stack)
    await untilAsked(site.signal)
    return EXIT.ok
  })
}

const dev = (context: CommandContext, flags: Flags): Promise<ExitCode> => {
  const config = serverConfig(context.environment, flags, { databaseUrl: EMBEDDED_URL, templateReplace: 'true' })
  const { terminal } = context
  return supervised(terminal, async (site) => {
    await requireFreePorts(config)
    const database = await startEmbeddedDatabase(databaseOptions(flags), terminal)
    site.keep(database)
    await migrateDatabase(database.url)
    const stack = await startStack(site, withDevSeals({ ...config, databaseUrl: database.url }, database.dataDir))
    writeReady(context, stack, { database_pid: database.pid, data_dir: database.place })
    await untilAsked(site.signal)
    return EXIT.ok
  })
}

export const databaseOptions = (flags: Flags): { readonly dataDir: string; readonly ephemeral: boolean } => ({
  dataDir: typeof flags['dataDir'] === 'string' ? flags['dataDir'] : DATA_DIR_DEFAULT,
  ephemeral: flags['ephemeral'] === true,
})

/** Says where the server answers: as sentences, or as one JSON line that a program can wait for. */
export const writeReady = (
  { json, terminal }: CommandContext,
  stack: RunningStack,
  more: Readonly<Record<string, string | number>> = {},
): void => {
  const { colours, out } = terminal
  if (json)
    return out(JSON.stringify({ ready: true, rest_url: stack.restUrl, grpc_url: stack.grpcUrl, pid: process.pid, ...more }))
  out(`${colours.green('ready')}  REST ${colours.bold(stack.restUrl)}  gRPC ${colours.bold(stack.grpcUrl)}`)
  if (more['data_dir'] !== undefined) out(colours.dim(`       data in ${more['data_dir']}`))
  out(colours.dim(`       API documentation at ${stack.restUrl}/docs; Ctrl-C stops`))
}

const runMigrations = async ({ environment, json, terminal }: CommandContext, flags: Flags): Promise<ExitCode> => {
  const { databaseUrl } = serverConfig({ DATABASE_URL: environment['DATABASE_URL'] }, flags)
  const applied = await migrateDatabase(databaseUrl)
  if (json)
    terminal.out(JSON.stringify({ applied: applied.map(({ number, name, tookMs }) => ({ number, name, took_ms: tookMs })) }))
  else {
    for (const { number, name, tookMs } of applied)
      terminal.out(`applied ${String(number).padStart(4, '0')}_${name} in ${tookMs} ms`)
    terminal.out(applied.length === 0 ? 'the schema is current: nothing to do' : 'the schema is current')
  }
  return EXIT.ok
}
