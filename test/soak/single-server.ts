/** One server with its defaults, very many tasks with one step, and what its memory does meanwhile. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '@tasker/dev-postgres'
import { newConnection } from '@tasker/server/internal/database'
import { migrate } from '@tasker/server/internal/database/migrate'
import { Client, TaskerError } from '@tasker/sdk'
import { monotonicFactory } from 'ulid'
import { type Address, end, freeAddress, startLiveServer } from '../support/live-server.js'
import { type RunningProgram, runProgram } from '../support/processes.js'
import { until, within } from '../support/until.js'
import { single } from './single-task.js'

export interface SingleServer {
  readonly address: Address
  readonly server: RunningProgram
  readonly databaseUrl: string
  readonly postgresVersion: string
  /** Resolves when it is connected. */
  worker(slots: number): Promise<void>
}

const MIB = 1024 * 1024
const WORKER_MS_MAX = 60_000
const SAY_EVERY_MS = 10_000
const RETRY_MS = 250
const LAST_WORDS_CHARS = 2_000
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** Everything is gone afterwards. `settings` are variables of the server. */
export const onSingleServer = async <Result>(
  settings: { readonly [variable: string]: string },
  play: (site: SingleServer) => Promise<Result>,
): Promise<Result> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tasker-memory-'))
  const postgres = await startPostgres({ dataDir, durable: true })
  const programs: RunningProgram[] = []
  try {
    await migrate(postgres.url)
    const address = await freeAddress()
    const server = await startLiveServer(postgres.url, address, settings)
    programs.push(server)
    const worker = async (slots: number): Promise<void> => {
      const program = runProgram(['test/dist/soak/single-worker-process.js', address.grpcUrl, String(slots)])
      programs.push(program)
      await within('the worker is connected', WORKER_MS_MAX, program.line(/^connected/))
    }
    const [version] = await rowsOf<{ version: string }>(postgres.url, "select current_setting('server_version') as version", [])
    const site = { address, server, databaseUrl: postgres.url, postgresVersion: version?.version ?? '', worker }
    const result = await Promise.race([play(site), endOf(server)])
    for (const program of programs.toReversed()) await end(program, 'SIGTERM')
    return result
  } finally {
    // After a broken promise nobody is asked: how a process leaves then must not hide why.
    for (const program of programs) if (program.running()) await end(program, 'SIGKILL')
    await postgres.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** A server that ends by itself, as one whose heap is full does, ends the phase. */
const endOf = async (server: RunningProgram): Promise<never> => {
  const code = await server.exited
  throw new Error(`the server ended with ${code}:\n${server.output().slice(-LAST_WORDS_CHARS)}`)
}

export interface Submissions {
  readonly tasks: number
  /** On their way at once. */
  readonly inFlight: number
  readonly runAt?: Date
  /** Stretches of equal length whose pace is told. */
  readonly stretches: number
  readonly say: (text: string) => void
}

export interface Submitted {
  readonly acknowledged: ReadonlySet<string>
  /** Tasks a second, by stretch. */
  readonly paces: readonly number[]
  /** Submissions that were turned away for a moment, and sent again with their id. */
  readonly turnedAway: number
}

export const submitAll = async ({ address, server }: SingleServer, load: Submissions): Promise<Submitted> => {
  const { tasks, inFlight, runAt, stretches, say } = load
  const client = new Client({
    url: address.grpcUrl,
    namespace: 'single',
    maxInFlight: inFlight,
    submitTimeout: '10m',
    logger: silent,
  })
  const makeId = monotonicFactory()
  const acknowledged = new Set<string>()
  const paces: number[] = []
  let [stretchAt, turnedAway, next] = [performance.now(), 0, 0]
  const one = async (n: number): Promise<void> => {
    const options = { requestId: makeId(), ...(runAt === undefined ? {} : { runAt }) }
    for (;;) {
      try {
        acknowledged.add((await client.submit(single, { n }, options)).taskId)
        return
      } catch (error) {
        if (!(error instanceof TaskerError) || !error.retryable) throw error
        turnedAway++
        await new Promise((resolve) => setTimeout(resolve, Number(error.context['retry_after_ms'] ?? RETRY_MS)))
      }
    }
  }
  const lane = async (): Promise<void> => {
    while (next < tasks) {
      await one(next++)
      if (acknowledged.size < (tasks / stretches) * (paces.length + 1)) continue
      paces.push(Math.round(tasks / stretches / ((performance.now() - stretchAt) / 1_000)))
      stretchAt = performance.now()
    }
  }
  try {
    await telling(server, say, () => Promise.all(Array.from({ length: inFlight }, lane)))
  } finally {
    client.close()
  }
  return { acknowledged, paces, turnedAway }
}

/** Resolves when so many tasks are complete, by the server's own count. */
export const untilCompleted = (
  { address, server }: SingleServer,
  tasks: number,
  msMax: number,
  say: (text: string) => void,
): Promise<void> =>
  telling(server, say, () =>
    until(`${tasks} tasks are complete`, msMax, async () =>
      (await metric(address, 'tasker_tasks_ended_total{end="completed"}')) >= tasks ? true : undefined,
    ),
  )

const telling = async (server: RunningProgram, say: (text: string) => void, act: () => Promise<unknown>): Promise<void> => {
  const timer = setInterval(() => {
    if (!server.running()) return
    say(`the server has ${residentMib(server.pid)} MiB, and had ${residentMib(server.pid, 'VmHWM')} at most`)
  }, SAY_EVERY_MS)
  try {
    await act()
  } finally {
    clearInterval(timer)
  }
}

/** One sample of `/metrics`, by its name and labels; 0 when it is not there. */
export const metric = async ({ restPort }: Address, sample: string): Promise<number> => {
  const text = await (await fetch(`http://127.0.0.1:${restPort}/metrics`)).text()
  const line = text.split('\n').find((one) => one.startsWith(`${sample} `))
  return Number(line?.slice(sample.length) ?? 0)
}

/** Memory of a process as the system counts it: now, or at its highest. */
export const residentMib = (pid: number, line: 'VmRSS' | 'VmHWM' = 'VmRSS'): number => {
  const kib = new RegExp(`^${line}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round((Number(kib ?? 0) * 1_024) / MIB)
}

/** Every acknowledged task has exactly one end and one result in the log, and nothing else has. */
export const lostOrTwice = async (
  { databaseUrl }: SingleServer,
  acknowledged: ReadonlySet<string>,
): Promise<readonly string[]> => {
  const problems: string[] = []
  const ended = new Set<string>()
  const partitions = await rowsOf<{ partition: number }>(databaseUrl, 'select distinct partition from event_commit', [])
  for (const { partition } of partitions) {
    for (let after = 0, more = true; more; ) {
      const rows = await rowsOf<{ seq: string; id: string; types: string[] }>(databaseUrl, COMMITS, [
        partition,
        after,
        PAGE_COMMITS,
      ])
      for (const { seq, id, types } of rows) {
        after = Number(seq)
        const results = types.filter((type) => type === 'step.completed').length
        const ends = types.filter((type) => type === 'task.completed').length
        if (results === 0 && ends === 0) continue
        if (results !== 1 || ends !== 1 || ended.has(id)) problems.push(`${id} has more than one result or end`)
        ended.add(id)
      }
      more = rows.length === PAGE_COMMITS
    }
  }
  for (const id of acknowledged) if (!ended.has(id)) problems.push(`${id} was acknowledged and did not end`)
  if (ended.size !== acknowledged.size) problems.push(`${ended.size} tasks ended, ${acknowledged.size} were acknowledged`)
  return problems
}

const PAGE_COMMITS = 20_000
const COMMITS = `select seq, stream_id as id, types from event_commit
  where partition = $1 and seq > $2 and stream_kind = 'task' order by seq limit $3`

const rowsOf = async <Row extends object>(url: string, text: string, values: readonly unknown[]): Promise<readonly Row[]> => {
  const database = newConnection({ url, applicationName: 'soak' })
  await database.connect()
  try {
    return (await database.query<Row>(text, [...values])).rows
  } finally {
    await database.end()
  }
}

/** The phase ends at the first promise that is broken. */
export const mustHold = (problems: readonly (string | false)[]): void => {
  const broken = problems.filter((problem) => problem !== false)
  if (broken.length > 0) throw new Error(`broken promises:\n  ${broken.slice(0, 20).join('\n  ')}`)
}
