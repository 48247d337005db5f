/** So many single-step tasks without a worker, then drained: the memory of the server, the pace of the submissions, and that nothing is lost. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '@tasker/dev-postgres'
import { newConnection } from '@tasker/server/internal/database'
import { migrate } from '@tasker/server/internal/database/migrate'
import { Client, TaskerError } from '@tasker/sdk'
import { monotonicFactory } from 'ulid'
import { type Address, end, freeAddress, startLiveServer } from '../../support/live-server.js'
import { type RunningProgram, runProgram } from '../../support/processes.js'
import { until, within } from '../../support/until.js'
import { single } from './single.js'

export interface MemorySettings {
  readonly tasks: number
  /** Submissions on their way at once. */
  readonly inFlight: number
  readonly slots: number
  /** Variables of the server beside its defaults. */
  readonly server?: { readonly [variable: string]: string }
  /** A line now and then. */
  readonly say?: (text: string) => void
  /** Called when all tasks are in and nothing is drained yet. */
  readonly loaded?: (address: Address) => Promise<void>
}

export interface MemoryReport {
  readonly tasks: number
  /** Tasks a second, in ten stretches of equal length. */
  readonly submissions_per_s: readonly number[]
  /** The pace of the last stretch as a share of the first. */
  readonly pace_kept: number
  /** Submissions that were turned away for a moment, and sent again. */
  readonly turned_away: number
  readonly drained_per_s: number
  readonly rss_mib: { readonly idle: number; readonly loaded: number; readonly peak: number }
  readonly problems: readonly string[]
}

const STRETCHES = 10
const MIB = 1024 * 1024
const WORKER_MS_MAX = 60_000
/** The slowest drain that is waited for. */
const DRAIN_PER_S_MIN = 100
const SAY_EVERY_MS = 10_000
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

export const memoryPhase = async (settings: MemorySettings): Promise<MemoryReport> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tasker-memory-'))
  const postgres = await startPostgres({ dataDir, durable: true })
  const programs: RunningProgram[] = []
  try {
    await migrate(postgres.url)
    const address = await freeAddress()
    const server = await startLiveServer(postgres.url, address, settings.server)
    programs.push(server)
    return await play(settings, { address, server, databaseUrl: postgres.url, programs })
  } finally {
    for (const program of programs.toReversed()) await end(program)
    await postgres.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

interface Stage {
  readonly address: Address
  readonly server: RunningProgram
  readonly databaseUrl: string
  readonly programs: RunningProgram[]
}

const play = async (settings: MemorySettings, stage: Stage): Promise<MemoryReport> => {
  const { address, server, programs, databaseUrl } = stage
  const { tasks, slots, say = () => undefined } = settings
  const idle = residentMib(server.pid)
  const { acknowledged, paces, turnedAway } = await submitAll(address.grpcUrl, settings, () => {
    say(levels('submitting', server.pid))
    void dump(address).then(say, () => undefined)
  })
  const loaded = residentMib(server.pid)
  say(`${tasks} tasks wait; ${levels('loaded', server.pid)}; pace by stretch: ${paces.join(' ')}`)
  await settings.loaded?.(address)
  const drainAt = performance.now()
  const worker = runProgram(['test/dist/soak/phases/single-worker.js', address.grpcUrl, String(slots)])
  programs.push(worker)
  await within('the worker is connected', WORKER_MS_MAX, worker.line(/^connected/))
  await drained(address, tasks, () => {
    say(levels('draining', server.pid))
    void dump(address).then(say, () => undefined)
  })
  const drainMs = performance.now() - drainAt
  return {
    tasks,
    submissions_per_s: paces,
    pace_kept: Number(((paces.at(-1) ?? 0) / (paces[0] ?? 1)).toFixed(3)),
    turned_away: turnedAway,
    drained_per_s: Math.round(tasks / (drainMs / 1_000)),
    rss_mib: { idle, loaded, peak: residentMib(server.pid, 'VmHWM') },
    problems: await lostOrTwice(databaseUrl, acknowledged),
  }
}

interface Submitted {
  readonly acknowledged: ReadonlySet<string>
  readonly paces: readonly number[]
  readonly turnedAway: number
}

/** A submission that is turned away is sent again with its id, as a client would. */
const submitAll = async (url: string, { tasks, inFlight }: MemorySettings, tell: () => void): Promise<Submitted> => {
  const client = new Client({ url, namespace: 'memory', maxInFlight: inFlight, submitTimeout: '10m', logger: silent })
  const makeId = monotonicFactory()
  const acknowledged = new Set<string>()
  const paces: number[] = []
  let stretchAt = performance.now()
  let turnedAway = 0
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < tasks) {
      const n = next++
      const requestId = makeId()
      for (;;) {
        try {
          acknowledged.add((await client.submit(single, { n }, { requestId })).taskId)
          break
        } catch (error) {
          if (!(error instanceof TaskerError) || !error.retryable) throw error
          turnedAway++
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
        }
      }
      if (acknowledged.size < (tasks / STRETCHES) * (paces.length + 1)) continue
      paces.push(Math.round(tasks / STRETCHES / ((performance.now() - stretchAt) / 1_000)))
      stretchAt = performance.now()
    }
  }
  const telling = setInterval(tell, SAY_EVERY_MS)
  try {
    await Promise.all(Array.from({ length: inFlight }, lane))
  } finally {
    clearInterval(telling)
    client.close()
  }
  return { acknowledged, paces, turnedAway }
}

const RETRY_MS = 250

const drained = async (address: Address, tasks: number, tell: () => void): Promise<void> => {
  const telling = setInterval(tell, SAY_EVERY_MS)
  try {
    await until(`${tasks} tasks are drained`, WORKER_MS_MAX + (tasks / DRAIN_PER_S_MIN) * 1_000, async () =>
      (await metric(address, /^tasker_tasks_ended_total\{end="completed"\} (\d+)$/m)) >= tasks ? true : undefined,
    )
  } finally {
    clearInterval(telling)
  }
}

/** A figure of `/metrics`. */
export const metric = async ({ restPort }: Address, pattern: RegExp): Promise<number> => {
  const text = await (await fetch(`http://127.0.0.1:${restPort}/metrics`)).text()
  return Number(pattern.exec(text)?.[1] ?? 0)
}

/** Every acknowledged task has exactly one end and one result in the log, and nothing else has. */
const lostOrTwice = async (databaseUrl: string, acknowledged: ReadonlySet<string>): Promise<readonly string[]> => {
  const database = newConnection({ url: databaseUrl, applicationName: 'memory phase' })
  await database.connect()
  const problems: string[] = []
  const ended = new Set<string>()
  try {
    const partitions = await database.query<{ partition: number }>('select distinct partition from event_commit')
    for (const { partition } of partitions.rows) {
      for (let after = 0, more = true; more; ) {
        const { rows } = await database.query<{ seq: string; id: string; types: string[] }>(COMMITS, [
          partition,
          after,
          PAGE_COMMITS,
        ])
        for (const { seq, id, types } of rows) {
          after = Number(seq)
          const results = types.filter((type) => type === 'step.completed').length
          const ends = types.filter((type) => type === 'task.completed').length
          if (results === 0 && ends === 0) continue
          if (results !== 1 || ends !== 1 || ended.has(id)) problems.push(`${id} ended more than once`)
          ended.add(id)
        }
        more = rows.length === PAGE_COMMITS
      }
    }
  } finally {
    await database.end()
  }
  for (const id of acknowledged) if (!ended.has(id)) problems.push(`${id} was acknowledged and did not end`)
  if (ended.size !== acknowledged.size) problems.push(`${ended.size} tasks ended, ${acknowledged.size} were acknowledged`)
  return problems
}

const PAGE_COMMITS = 20_000
const COMMITS = `select seq, stream_id as id, types from event_commit
  where partition = $1 and seq > $2 and stream_kind = 'task' order by seq limit $3`

/** Memory of a process as the system counts it: now, or at its highest. */
export const residentMib = (pid: number, line: 'VmRSS' | 'VmHWM' = 'VmRSS'): number => {
  const kib = new RegExp(`^${line}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round((Number(kib ?? 0) * 1_024) / MIB)
}

const levels = (what: string, pid: number): string =>
  `${what}: ${residentMib(pid)} MiB now, ${residentMib(pid, 'VmHWM')} MiB at most`
export const dump = async (address: Address): Promise<string> => {
  const text = await (await fetch(`http://127.0.0.1:${address.restPort}/metrics`)).text()
  return text
    .split('\n')
    .filter(
      (l) =>
        /^(tasker_node_nodejs_heap_size|tasker_node_nodejs_external|tasker_node_nodejs_heap_space_size_used|tasker_ready|tasker_projection|tasker_pending|tasker_tasks_(sub|ended))/.test(
          l,
        ) && !/ 0$/.test(l),
    )
    .map((l) => l.replace('tasker_node_nodejs_', '').replace(/(\d{5,})$/, (x) => (Number(x) / 1e6).toFixed(1) + 'M'))
    .join(' ')
}
