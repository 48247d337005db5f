/** `tasker doctor`: looks at everything a run needs, and says what to do about what is wrong. */
import { connect } from 'node:net'
import { type Command } from 'commander'
import { type HealthAnswer, healthAnswer } from '../answers.js'
import { type CommandContext } from '../context.js'
import { EXIT, type ExitCode, faultOf } from '../exit.js'
import { databaseUrlIn, requireCurrentSchema } from '../local/stack.js'
import { type Binding, examples } from './command.js'

/** The oldest Node the program runs on. */
const NODE_MAJOR_MIN = 20
const NODE_MINOR_MIN = 19
/** A server further off than this is not ready; see docs/contract.md. HTTP dates have whole seconds. */
const CLOCK_DIFFERENCE_MS_MAX = 5_000
const HTTP_DATE_STEP_MS = 1_000
const CHECK_TIMEOUT_MS = 5_000

const NO_HEALTH = 'the server does not tell its health'
const LOG_HINT = 'look into the log of the server'

export interface Check {
  readonly check: string
  readonly verdict: 'ok' | 'wrong' | 'skipped'
  readonly detail: string
  /** What to do, when it is wrong. */
  readonly hint: string | undefined
}

export const addDoctorCommand = (program: Command, binding: Binding): void => {
  program
    .command('doctor')
    .description('check Node, server, health, clocks, the gRPC port and the database; exit 1 when something is wrong')
    .addHelpText('after', examples('tasker doctor', 'DATABASE_URL=postgres://… tasker doctor --json'))
    .action((_flags: unknown, command: Command) => binding.run(command, doctor))
}

const doctor = async (context: CommandContext): Promise<ExitCode> => {
  const checks = [
    nodeCheck(process.versions.node),
    ...(await serverChecks(context)),
    await grpcCheck(context.environment['TASKER_GRPC_URL']),
    await databaseCheck(databaseUrlIn(context.environment), context.environment['DATABASE_URL']),
  ]
  const healthy = checks.every(({ verdict }) => verdict !== 'wrong')
  if (context.json) context.terminal.out(JSON.stringify({ healthy, checks }))
  else for (const check of checks) writeCheck(context, check)
  return healthy ? EXIT.ok : EXIT.failed
}

const ok = (check: string, detail: string): Check => ({ check, verdict: 'ok', detail, hint: undefined })
const wrong = (check: string, detail: string, hint: string | undefined): Check => ({ check, verdict: 'wrong', detail, hint })
const skipped = (check: string, detail: string): Check => ({ check, verdict: 'skipped', detail, hint: undefined })

export const nodeCheck = (version: string): Check => {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const enough = major > NODE_MAJOR_MIN || (major === NODE_MAJOR_MIN && minor >= NODE_MINOR_MIN)
  if (enough) return ok('node', `Node ${version}`)
  return wrong('node', `Node ${version} is too old`, `install Node ${NODE_MAJOR_MIN}.${NODE_MINOR_MIN} or newer`)
}

const serverChecks = async ({ http }: CommandContext): Promise<readonly Check[]> => {
  const askedAtMs = Date.now()
  try {
    const answer = await http.send({ method: 'GET', path: '/health/live', timeoutMs: CHECK_TIMEOUT_MS })
    const clock = clockCheck(answer.headers.get('date'), askedAtMs, Date.now())
    return [ok('server', `answers at ${http.baseUrl}`), ...(await healthChecks(http)), clock]
  } catch (thrown) {
    const { message, hint } = faultOf(thrown).detail
    return [
      wrong('server', message, hint),
      skipped('health', 'the server does not answer'),
      skipped('events', 'the server does not answer'),
      skipped('archive', 'the server does not answer'),
      skipped('rows', 'the server does not answer'),
      skipped('clock', 'the server does not answer'),
    ]
  }
}

const healthChecks = async (http: CommandContext['http']): Promise<readonly Check[]> => {
  try {
    const health = await http.json({ method: 'GET', path: '/health/detailed', timeoutMs: CHECK_TIMEOUT_MS }, healthAnswer)
    return [healthCheck(health), eventsCheck(health), archiveCheck(health), rowsCheck(health)]
  } catch (thrown) {
    const { message, hint } = faultOf(thrown).detail
    const others = ['events', 'archive', 'rows'].map((check) => skipped(check, NO_HEALTH))
    return [wrong('health', message, hint ?? LOG_HINT), ...others]
  }
}

const healthCheck = ({ status, problems, quarantined }: HealthAnswer): Check => {
  if (problems.length > 0) return wrong('health', problems.join('; '), LOG_HINT)
  const [first] = quarantined
  if (first === undefined)
    return status === 'ok' ? ok('health', 'the server is ok') : wrong('health', `the server is ${status}`, LOG_HINT)
  const others = quarantined.length === 1 ? '' : ` and ${quarantined.length - 1} more`
  return wrong(
    'health',
    `task ${first.task_id}${others} cannot be read: ${first.message} (position ${first.position})`,
    'its events are kept and the other tasks go on; a release that knows these events takes it up again',
  )
}

const eventsCheck = ({ domain_events: { lag_ms, problem } }: HealthAnswer): Check =>
  problem === null
    ? ok('events', 'domain events are published')
    : wrong(
        'events',
        `domain events wait for ${Math.round(lag_ms / 1_000)} s: ${problem}`,
        'none is lost; they are sent when the transport is back',
      )

const archiveCheck = ({ retention: { lag_ms, problem } }: HealthAnswer): Check =>
  problem === null
    ? ok('archive', 'nothing stands in the way of archiving')
    : wrong(
        'archive',
        `tasks have been due to be archived for ${Math.round(lag_ms / 1_000)} s: ${problem}`,
        'none is lost: they stay in the log until an archive holds them',
      )

const rowsCheck = ({ projection_differences: differences }: HealthAnswer): Check => {
  const [first] = differences
  if (first === undefined) return ok('rows', 'the rows that were compared are what the log says')
  return wrong('rows', `${first.first} (${first.rows} of ${first.projection})`, `tasker projection rebuild ${first.projection}`)
}

/** The server wrote its date between the two local instants, to the second below. */
export const clockCheck = (date: string | null, askedAtMs: number, answeredAtMs: number): Check => {
  const serverMs = Date.parse(date ?? '')
  if (Number.isNaN(serverMs)) return skipped('clock', 'the server told no time')
  const ahead = Math.max(0, serverMs - answeredAtMs)
  const behind = Math.max(0, askedAtMs - (serverMs + HTTP_DATE_STEP_MS))
  if (Math.max(ahead, behind) <= CLOCK_DIFFERENCE_MS_MAX) return ok('clock', 'this clock and the server agree')
  const by = `${Math.round(Math.max(ahead, behind) / 1_000)} s`
  return wrong(
    'clock',
    `the server's clock is ${by} ${ahead > 0 ? 'ahead' : 'behind'}`,
    'let both machines set their time by NTP',
  )
}

const GRPC_PORT_DEFAULT = 9190

/** Whether anything listens where workers connect. */
const grpcCheck = async (address: string | undefined): Promise<Check> => {
  if (!address) return skipped('grpc', 'TASKER_GRPC_URL is not set')
  const url = address.includes('://') ? address : `grpc://${address}`
  if (!URL.canParse(url)) return wrong('grpc', `TASKER_GRPC_URL is no address: ${address}`, 'it looks like 127.0.0.1:9190')
  const { hostname, port } = new URL(url)
  const failure = await connectFailure(hostname, port === '' ? GRPC_PORT_DEFAULT : Number(port))
  if (failure === undefined) return ok('grpc', `listens at ${address}`)
  return wrong('grpc', `nothing listens at ${address} (${failure})`, 'check TASKER_GRPC_URL, and the gRPC port of the server')
}

const connectFailure = (host: string, port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CHECK_TIMEOUT_MS })
    const end = (failure: string | undefined): void => {
      socket.destroy()
      resolve(failure)
    }
    socket.once('connect', () => end(undefined))
    socket.once('timeout', () => end('no answer'))
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
  })

const databaseCheck = async (url: string | undefined, given: string | undefined): Promise<Check> => {
  if (!given) return skipped('database', 'DATABASE_URL is not set; the server looks after its own')
  if (url === undefined)
    return wrong('database', 'DATABASE_URL is not a PostgreSQL URL', 'it looks like postgres://user:password@host:5432/database')
  try {
    return ok('database', `reachable, schema at migration ${await requireCurrentSchema(url)}`)
  } catch (thrown) {
    const { message, hint } = faultOf(thrown).detail
    return wrong('database', message, hint)
  }
}

const writeCheck = ({ terminal }: CommandContext, { check, verdict, detail, hint }: Check): void => {
  const { colours, out } = terminal
  const mark = { ok: colours.green('ok     '), wrong: colours.red('wrong  '), skipped: colours.dim('skipped') }[verdict]
  out(`${mark}  ${check.padEnd(9)} ${detail}`)
  if (hint !== undefined) out(`${' '.repeat(19)}${colours.cyan('hint')} ${hint}`)
}
