/** Peers, as their own documentation starts them; `npm run bench:peers` installs them beside their programs in `peers/`. */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, REPOSITORY, type RunningProgram, runProgram, watchProgram } from '../support/processes.js'
import type { Contender, Stage, Stored } from './contender.js'
import { answering, end, newFolder, startDatabase } from './parts.js'
import type { Load } from './workloads.js'

const PEERS = join(REPOSITORY, 'test/bench/peers')
const moduleOf = (name: string): string => `file://${join(PEERS, `${name}-system.mjs`)}`

/** DBOS keeps its workflows in PostgreSQL, and they run where they are called: the load's process is the worker too. */
const dbos: Contender = {
  name: 'dbos',
  start: async () => {
    const database = await startDatabase()
    return {
      processes: () => ({ database: [database.pid] }),
      target: { module: moduleOf('dbos'), url: database.url },
      startWorker: () => Promise.resolve(),
      stored: () => database.stored(),
      vacuumed: () => database.vacuumed(),
      stop: () => database.stop(),
    }
  },
}

/** Two partitions, one a core of the machine the figures are from, did better for it than its default of 24. */
const RESTATE_PARTITIONS = 2
/** Sleeping invocations count, so that 5,000 sleeps at once need more than its default of 1,000. */
const RESTATE_INVOCATIONS_OF_TIMERS = 10_000

const restate: Contender = { name: 'restate', start: (load) => startRestate(load) }

const startRestate = async (load: Load): Promise<Stage> => {
  const folder = newFolder()
  const programs: RunningProgram[] = []
  const workers: number[] = []
  const [ingress, admin, node, service] = [await freePort(), await freePort(), await freePort(), await freePort()]
  const server = watchProgram(
    spawn(restateProgram(), ['--no-logo', '--base-dir', join(folder, 'data')], {
      cwd: folder,
      env: { HOME: folder, ...restateSettings(load, ingress, admin, node) },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
  programs.push(server)
  const gate = load.type === 'backlog' ? join(folder, 'gate') : undefined
  await answering(`http://127.0.0.1:${admin}/health`, server)
  const startWorker = async (): Promise<void> => {
    const worker = runProgram(['test/bench/peers/restate-worker.mjs', String(service), gate ?? ''])
    programs.push(worker)
    workers.push(worker.pid)
    await worker.line(/^listening$/)
    await answering(`http://127.0.0.1:${admin}/deployments`, server, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ uri: `http://127.0.0.1:${service}`, force: true }),
    })
  }
  // It takes no work for a service that it cannot reach: a backlog's worker is there, and its handlers wait for the gate.
  if (gate !== undefined) await startWorker()
  return {
    processes: () => ({ server: [server.pid], worker: workers }),
    target: { module: moduleOf('restate'), url: `http://127.0.0.1:${ingress}`, ...(gate === undefined ? {} : { gate }) },
    startWorker: gate === undefined ? startWorker : () => Promise.resolve(),
    stored: () => Promise.resolve(writtenBy(server.pid, join(folder, 'data'))),
    // Its files are made in large blocks before they are needed.
    vacuumed: () => Promise.resolve(undefined),
    stop: async () => {
      for (const program of programs.toReversed()) await end(program)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const restateSettings = (load: Load, ingress: number, admin: number, node: number): NodeJS.ProcessEnv => ({
  RESTATE_DISABLE_TELEMETRY: 'true',
  DO_NOT_TRACK: '1',
  RESTATE_LOG_FILTER: 'error',
  RESTATE_LISTEN_MODE: 'tcp',
  RESTATE_BIND_IP: '127.0.0.1',
  RESTATE_BIND_PORT: String(node),
  RESTATE_ADVERTISED_HOST: '127.0.0.1',
  RESTATE_NODE_NAME: 'bench',
  RESTATE_INGRESS__BIND_IP: '127.0.0.1',
  RESTATE_INGRESS__BIND_PORT: String(ingress),
  RESTATE_ADMIN__BIND_IP: '127.0.0.1',
  RESTATE_ADMIN__BIND_PORT: String(admin),
  RESTATE_ADMIN__DISABLE_WEB_UI: 'true',
  RESTATE_DEFAULT_NUM_PARTITIONS: String(RESTATE_PARTITIONS),
  ...(load.type === 'timers'
    ? { RESTATE_WORKER__INVOKER__CONCURRENT_INVOCATIONS_LIMIT: String(RESTATE_INVOCATIONS_OF_TIMERS) }
    : {}),
})

const restateProgram = (): string => {
  const packages = join(PEERS, 'node_modules/@restatedev')
  const found = existsSync(packages) ? readdirSync(packages).find((name) => /^restate-server-\w+-\w+$/.test(name)) : undefined
  if (found === undefined) throw new Error('the peers are not installed: npm run bench:peers')
  return join(packages, found, 'bin/restate-server')
}

const writtenBy = (pid: number, folder: string): Stored => {
  const written = /^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))
  return { stored: bytesIn(folder), wal: Number(written?.[1] ?? 0) }
}

const BLOCK_BYTES = 512

const bytesIn = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + blocksOf(join(entry.parentPath, entry.name)) * BLOCK_BYTES, 0)

/** A file may go while its folder is read. */
const blocksOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.blocks ?? 0

export const PEER_STAGES: readonly Contender[] = [restate, dbos]
