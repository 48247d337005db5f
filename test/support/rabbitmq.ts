/** A RabbitMQ of the machine as a process of a test: on loopback, with ports and folders of its own, ended by its process group. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './processes.js'
import { until } from './until.js'

/** Where Debian and Ubuntu put it. */
const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server'
const START_MS_MAX = 90_000
const STOP_MS_MAX = 20_000

/** What would let tests with RabbitMQ run here; undefined when they can. */
export const rabbitmqMissing = (): string | undefined =>
  existsSync(SERVER) ? undefined : 'sh test/support/install-rabbitmq.sh  (apt-get install rabbitmq-server; nothing is started)'

export interface TestRabbit {
  readonly url: string
  /** Ends it as a crash would. */
  kill(): Promise<void>
  /** Starts it again where it was, with what it kept. */
  start(): Promise<void>
  /** Ends it, its epmd, and removes its folders. */
  stop(): Promise<void>
}

export const startRabbit = async (): Promise<TestRabbit> => {
  const folder = mkdtempSync(join(tmpdir(), 'tasker-rabbit-'))
  const [port, distPort, epmdPort] = [await freePort(), await freePort(), await freePort()]
  const user = userOf()
  writeFileSync(join(folder, 'rabbitmq.conf'), `listeners.tcp.1 = 127.0.0.1:${port}\nlog.console = false\n`)
  writeFileSync(join(folder, 'enabled_plugins'), '[].\n')
  for (const name of ['mnesia', 'log']) mkdirSync(join(folder, name))
  if (user !== undefined)
    for (const name of ['', 'rabbitmq.conf', 'enabled_plugins', 'mnesia', 'log'])
      chownSync(join(folder, name), user.uid, user.gid)
  const env = environmentOf(folder, distPort, epmdPort)
  const epmd = run(user, ['epmd', '-address', '127.0.0.1', '-port', String(epmdPort)], env)
  let server: ChildProcess | undefined
  const start = async (): Promise<void> => {
    server = run(user, [SERVER], env)
    await until(`RabbitMQ listens on ${port}`, START_MS_MAX, () => (server?.exitCode === null ? listens(port) : failed(server)))
  }
  const kill = async (): Promise<void> => {
    if (server !== undefined) await endGroup(server, 'SIGKILL')
    server = undefined
  }
  const stop = async (): Promise<void> => {
    await kill()
    await endGroup(epmd, 'SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await start()
  } catch (error) {
    await stop()
    throw error
  }
  return { url: `amqp://guest:guest@127.0.0.1:${port}`, kill, start, stop }
}

interface User {
  readonly uid: number
  readonly gid: number
}

/** Erlang's cookie and files belong to a user of their own; root gives it up, anybody else runs it as oneself. */
const userOf = (): User | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, 'rabbitmq'], { encoding: 'utf8' }).stdout))
  if (uid === undefined || gid === undefined || Number.isNaN(uid + gid)) throw new Error('there is no user rabbitmq')
  return { uid, gid }
}

const environmentOf = (folder: string, distPort: number, epmdPort: number): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  HOME: folder,
  LANG: 'C.UTF-8',
  RABBITMQ_NODENAME: `tasker${distPort}@localhost`,
  RABBITMQ_CONF_ENV_FILE: '/dev/null',
  RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
  RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
  RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
  RABBITMQ_LOG_BASE: join(folder, 'log'),
  RABBITMQ_PID_FILE: join(folder, 'pid'),
  RABBITMQ_DIST_PORT: String(distPort),
  RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  ERL_EPMD_PORT: String(epmdPort),
  ERL_EPMD_ADDRESS: '127.0.0.1',
})

/** Detached, so that it leads a group that can be ended as a whole. */
const run = (user: User | undefined, [program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv): ChildProcess =>
  spawn(program, args, { env, cwd: '/', stdio: 'ignore', detached: true, ...(user ?? {}) })

const endGroup = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  const { pid } = child
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  process.kill(-pid, signal)
  await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, STOP_MS_MAX))])
}

const listens = (port: number): Promise<true | undefined> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(undefined))
  })

const failed = (server: ChildProcess | undefined): never => {
  throw new Error(`RabbitMQ ended with ${server?.exitCode ?? 'nothing'}`)
}
