/** The disk of PostgreSQL is full for a while: nothing acknowledged is lost, callers are told, and it goes on when there is room again. */
import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monotonicFactory } from 'ulid'
import { member, rest } from '../../support/live-server.js'
import { until, within } from '../../support/until.js'
import { Ground } from '../ground.js'
import { Load } from '../load.js'
import type { Figures, Phase, PhaseRun } from '../phase.js'
import { BrokenPromise, judge } from '../verdict.js'

const ANSWER_MS_MAX = 180_000
const IN_FLIGHT = 200
const HOLD_MS_MAX = 300
const DISK_MIB = 400
/** The log of PostgreSQL itself takes a small part of the disk. */
const PARAMETERS = { max_wal_size: '64MB', min_wal_size: '32MB', shared_buffers: '64MB' }
const FULL_MS = { short: 2_000, long: 30_000 } as const
const TIMES = { short: 1, long: 3 } as const
const FILL_BYTES = 256 * 1024
const FILL_LOOK_MS = 100
/** What a caller may be told. */
const REASONS = ['DATABASE_UNAVAILABLE', 'SUBMISSION_UNCONFIRMED', 'SERVER_NOT_READY']

export const diskFull: Phase = {
  name: 'disk-full',
  promise:
    'while the disk of PostgreSQL is full submissions are refused with 503, nothing acknowledged is lost, and work goes on when there is room',
  leftOut: () =>
    canMount() ? undefined : 'a small disk can only be mounted by root: run it as root, or in a container that may mount',
  play: async ({ form, say }: PhaseRun): Promise<Figures> => {
    const disk = mountDisk()
    let ground: Ground | undefined
    try {
      ground = await Ground.open({
        ...{ workers: 2, slots: 200, graceMs: 1_000, silenceMs: 2_500 },
        dataDir: disk.folder,
        parameters: PARAMETERS,
      })
      const figures = await playFull(ground, disk, TIMES[form], FULL_MS[form], say)
      await ground.close()
      return figures
    } catch (error) {
      say(`the server's last words:\n${ground?.lastWords ?? 'none'}`)
      await ground?.abandon()
      throw error
    } finally {
      disk.unmount()
    }
  },
}

const playFull = async (ground: Ground, disk: Disk, times: number, fullMs: number, say: PhaseRun['say']): Promise<Figures> => {
  const load = new Load(ground.client, { inFlight: IN_FLIGHT, holdMsMax: HOLD_MS_MAX })
  const rows: (string | number)[][] = []
  load.start()
  for (let round = 1; round <= times; round++) {
    await until('the load is back', ANSWER_MS_MAX, async () => (load.open >= IN_FLIGHT / 2 ? true : undefined))
    const { open, told, byItself, firstMs, allMs } = await fullOnce(ground, load, disk, fullMs)
    await load.resting(() => judge(ground, load, 'after_fault'))
    rows.push([
      round,
      open,
      `503 ${told}`,
      byItself ? 'by itself' : 'after a restart of PostgreSQL',
      `${firstMs} ms`,
      `${allMs} ms`,
    ])
    say(`disk full ${round}: ${told}, goes on ${byItself ? 'by itself' : 'after a restart of PostgreSQL'}`)
  }
  await within('the results of all open tasks', ANSWER_MS_MAX, load.stop())
  const { tasks } = await judge(ground, load, 'over')
  return {
    postgresVersion: await ground.postgresVersion(),
    columns: [
      'round',
      'tasks open when it was full',
      'a submission is told',
      'goes on',
      'first result after',
      'all results after',
    ],
    rows,
    notes: [
      `The disk has ${DISK_MIB} MiB and is full for ${fullMs / 1_000} s; times count from the moment there is room again.`,
      `${tasks} tasks were acknowledged, and each reached its right result.`,
    ],
  }
}

const fullOnce = async (ground: Ground, load: Load, disk: Disk, fullMs: number) => {
  const stopFilling = disk.keepFull()
  let freedAt = Number.POSITIVE_INFINITY
  const elapsed = (): number => Math.max(0, Math.round(performance.now() - freedAt))
  let told: string
  let all: Promise<{ readonly open: number; readonly allMs: number }>
  try {
    told = await until('a submission is refused', ANSWER_MS_MAX, () => refusalOf(ground))
    all = load.openNow().then((open) => ({ open, allMs: elapsed() }))
    await pause(fullMs)
  } finally {
    stopFilling()
  }
  freedAt = performance.now()
  const first = load.nextResult().then(elapsed)
  // A PostgreSQL that could not write its own log has ended: then somebody starts it again.
  const byItself = await within(
    'PostgreSQL goes on or ends',
    ANSWER_MS_MAX,
    Promise.race([first.then(() => true), ground.postgres.exited.then(() => false)]),
  )
  if (!byItself) await ground.startPostgres()
  const firstMs = await within('a first result', ANSWER_MS_MAX, first)
  return { told, byItself, firstMs, ...(await within('all results', ANSWER_MS_MAX, all)) }
}

const ulid = monotonicFactory()

/** What a new submission is told; undefined while it is still taken. */
const refusalOf = async ({ address }: Ground): Promise<string | undefined> => {
  const context = { n: 1, holdMs: 1 }
  const answer = await rest(address, '/v1/tasks', { namespace: 'faults', name: 'line', request_id: ulid(), context })
  if (answer.status === 201) return undefined
  const reason = member(answer, 'reason')
  if (answer.status !== 503 || answer.body['retryable'] !== true || !REASONS.includes(reason)) {
    throw new BrokenPromise([`a submission on a full disk is told ${answer.status} ${JSON.stringify(answer.body)}`])
  }
  const live = await rest(address, '/health/live')
  if (live.status !== 200) throw new BrokenPromise([`the server is not live on a full disk: ${live.status}`])
  return reason
}

interface Disk {
  readonly folder: string
  /** Takes all room there is, again and again. Returns the way to give it back. */
  keepFull(): () => void
  unmount(): void
}

const mountDisk = (): Disk => {
  const folder = mkdtempSync(join(tmpdir(), 'tasker-disk-'))
  if (!mounted(folder, DISK_MIB)) {
    rmSync(folder, { recursive: true })
    throw new Error(`no disk could be mounted at ${folder}`)
  }
  const ballast = join(folder, 'ballast')
  const bytes = Buffer.alloc(FILL_BYTES)
  const fill = (): void => {
    for (let size = FILL_BYTES; size >= 1; size = Math.floor(size / 2)) while (takes(ballast, bytes.subarray(0, size)));
  }
  return {
    folder,
    keepFull: () => {
      fill()
      const timer = setInterval(fill, FILL_LOOK_MS)
      return () => {
        clearInterval(timer)
        rmSync(ballast)
      }
    },
    unmount: () => {
      spawnSync('umount', [folder])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Whether there was room. */
const takes = (file: string, bytes: Buffer): boolean => {
  try {
    appendFileSync(file, bytes)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false
    throw error
  }
}

const mounted = (folder: string, mib: number): boolean =>
  spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m,mode=0755`, 'tmpfs', folder]).status === 0

const canMount = (): boolean => {
  const folder = mkdtempSync(join(tmpdir(), 'tasker-disk-'))
  const can = mounted(folder, 1)
  if (can) spawnSync('umount', [folder])
  rmSync(folder, { recursive: true, force: true })
  return can
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
