/** `tasker projection status|rebuild|verify`: the rows behind lists, built anew from the log and compared with it. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Command } from 'commander'
import { z } from 'zod'
import { type CommandContext } from '../context.js'
import { EXIT, type ExitCode } from '../exit.js'
import { writeTable } from '../table.js'
import { type Binding, examples } from './command.js'

/** Between two looks at what goes on. */
const LOOK_AGAIN_MS = 250

const difference = z.looseObject({
  projection: z.string(),
  kind: z.string(),
  row: z.record(z.string(), z.unknown()),
  column: z.string().nullable(),
  expected: z.string().nullable(),
  found: z.string().nullable(),
  version: z.number().nullable(),
})
type DifferenceAnswer = z.output<typeof difference>

const projection = z.looseObject({
  name: z.string(),
  version: z.number(),
  built_at: z.string().nullable(),
  lag_commits: z.number(),
  lag_ms: z.number(),
  rebuild: z.looseObject({ phase: z.string(), streams: z.number(), problem: z.string().nullable() }).nullable(),
  differences: z.looseObject({ rows: z.number(), first: difference }).nullable(),
})
type ProjectionAnswer = z.output<typeof projection>

const projectionList = z.looseObject({ projections: z.array(projection) })

const verification = z.looseObject({
  verification: z
    .looseObject({
      state: z.string(),
      streams: z.number(),
      differences: z.record(z.string(), z.number()),
      first_difference: difference.nullable(),
      unreadable_streams: z.number(),
      first_unreadable: z.looseObject({ stream: z.string(), position: z.string(), message: z.string() }).nullable(),
      not_compared: z.array(z.string()),
      problem: z.string().nullable(),
    })
    .nullable(),
})
type VerificationAnswer = NonNullable<z.output<typeof verification>['verification']>

export const addProjectionCommands = (program: Command, binding: Binding): void => {
  const group = program.command('projection').description('the rows behind lists, which follow from the log')
  group
    .command('status')
    .description('projections with their versions, their lag, and rebuilds that are under way')
    .addHelpText('after', examples('tasker projection status', 'tasker projection status --json'))
    .action((_flags: unknown, command: Command) => binding.run(command, status))
  group
    .command('rebuild')
    .description('build the rows of a projection anew, beside those that are read; returns at once unless it should wait')
    .argument('<name>', 'the projection')
    .option('--wait', 'return when the new rows are in the place of the old ones')
    .addHelpText('after', examples('tasker projection rebuild timer', 'tasker projection rebuild task --wait'))
    .action((name: string, flags: { readonly wait?: boolean }, command: Command) =>
      binding.run(command, (context) => rebuild(context, name, flags.wait ?? false)),
    )
  group
    .command('verify')
    .description('compare the rows with the log, exactly and while tasks run; exit 1 when a row differs')
    .argument('[name]', 'one projection; all when not given')
    .addHelpText('after', examples('tasker projection verify', 'tasker projection verify activity --json'))
    .action((name: string | undefined, _flags: unknown, command: Command) =>
      binding.run(command, (context) => verify(context, name)),
    )
}

const status = async ({ http, json, terminal }: CommandContext): Promise<ExitCode> => {
  const read = await http.json({ method: 'GET', path: '/v1/projections' }, projectionList)
  if (json) terminal.out(JSON.stringify(read))
  else {
    const rows = read.projections.map((one) => [
      one.name,
      String(one.version),
      one.built_at ?? '',
      `${one.lag_commits} commits, ${one.lag_ms} ms`,
      one.rebuild === null ? '' : `${one.rebuild.phase}, ${one.rebuild.streams} streams`,
      one.differences === null ? '' : terminal.colours.red(`${one.differences.rows} rows`),
    ])
    writeTable(terminal, ['PROJECTION', 'VERSION', 'BUILT AT', 'LAG', 'REBUILD', 'DIFFERS'], rows, 'no projection')
    for (const one of read.projections) {
      if (one.rebuild?.problem) terminal.out(`${one.name}: ${terminal.colours.red(one.rebuild.problem)}`)
      if (one.differences !== null) terminal.out(sentence(one.differences.first))
    }
  }
  return EXIT.ok
}

const rebuild = async (context: CommandContext, name: string, wait: boolean): Promise<ExitCode> => {
  const { http, json, terminal } = context
  const path = `/v1/projections/${encodeURIComponent(name)}/rebuild`
  const asked = await http.json({ method: 'POST', path }, projection)
  const known = wait ? await untilBuilt(context, asked) : asked
  if (json) terminal.out(JSON.stringify(known))
  else if (known.rebuild === null) terminal.out(`${name} was built anew at ${known.built_at ?? 'an unknown time'}`)
  else terminal.out(`${name} is being built anew; \`tasker projection status\` tells how far it is`)
  return EXIT.ok
}

const untilBuilt = async ({ http }: CommandContext, asked: ProjectionAnswer): Promise<ProjectionAnswer> => {
  let known = asked
  while (known.rebuild !== null) {
    await pause(LOOK_AGAIN_MS)
    const { projections } = await http.json({ method: 'GET', path: '/v1/projections' }, projectionList)
    known = projections.find((one) => one.name === asked.name) ?? known
  }
  return known
}

const verify = async (context: CommandContext, name: string | undefined): Promise<ExitCode> => {
  const { http, json, terminal } = context
  const path = '/v1/projections/verify'
  let { verification: run } = await http.json({ method: 'POST', path, query: { name } }, verification)
  while (run?.state === 'running') {
    await pause(LOOK_AGAIN_MS)
    run = (await http.json({ method: 'GET', path }, verification)).verification
  }
  if (json) terminal.out(JSON.stringify(run))
  else if (run !== null) writeVerification(context, run)
  return run?.state === 'done' && Object.keys(run.differences).length === 0 ? EXIT.ok : EXIT.failed
}

const writeVerification = ({ terminal }: CommandContext, run: VerificationAnswer): void => {
  const { colours, out } = terminal
  const total = Object.values(run.differences).reduce((sum, rows) => sum + rows, 0)
  if (run.state !== 'done') out(colours.red(`the comparison ended early: ${run.problem ?? run.state}`))
  else if (total === 0) out(`${colours.green('the rows are what the log says')} (${run.streams} streams)`)
  if (run.first_difference !== null) {
    out(colours.red(`${total} ${total === 1 ? 'row differs' : 'rows differ'} from the log; the first one:`))
    out(sentence(run.first_difference))
    out(`${colours.cyan('hint')} tasker projection rebuild ${run.first_difference.projection} --wait`)
  }
  if (run.first_unreadable !== null) {
    const { stream, position, message } = run.first_unreadable
    out(`${run.unreadable_streams} streams cannot be read, first ${stream} from position ${position} on: ${message}`)
  }
  for (const reason of run.not_compared) out(`not compared: ${reason}`)
}

const sentence = ({ projection: name, kind, row, column, expected, found, version }: DifferenceAnswer): string => {
  const place = `${name} ${Object.values(row).join(' ')}`
  const at = version === null ? '' : `, at version ${version}`
  if (kind === 'missing') return `  ${place}: the row is missing${at}`
  if (kind === 'unexpected') return `  ${place}: the row should not be there`
  return `  ${place}: ${column} is ${found}, the log says ${expected}${at}`
}
