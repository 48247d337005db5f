/** What the tests of faults share: a database, parcels on their way, and the look at all of it afterwards. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, type TaskHandle } from '@tasker/sdk'
import { expect, onTestFailed, onTestFinished } from 'vitest'
import { auditLog, type LogAudit } from '../../support/log-audit.js'
import { type Address, end, freeAddress, rest, startLiveServer, startLiveWorker } from '../../support/live-server.js'
import { PARCEL_ATTEMPTS_MAX, PARCEL_DEPENDENCIES, parcel, parcelResult } from '../../support/parcel.js'
import type { RunningProgram } from '../../support/processes.js'
import { until, within } from '../../support/until.js'

export const RESULTS_MS_MAX = 90_000
const LAST_WORDS_CHARS = 4_000

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

export interface Field {
  readonly address: Address
  readonly databaseUrl: string
  readonly client: Client
  server(settings?: { readonly [variable: string]: string }): Promise<RunningProgram>
  worker(slots: number): Promise<RunningProgram>
}

/** Everything that is started on it is killed when the test is over. */
export const field = async (databaseUrl: string): Promise<Field> => {
  const address = await freeAddress()
  const client = new Client({ url: address.grpcUrl, logger: silent, submitTimeout: '2m' })
  onTestFinished(() => client.close())
  const kept = (program: RunningProgram): RunningProgram => {
    onTestFailed(() => console.log(`process ${program.pid} said:\n${program.output().slice(-LAST_WORDS_CHARS)}`))
    onTestFinished(() => end(program, 'SIGKILL').then(() => undefined))
    return program
  }
  return {
    address,
    databaseUrl,
    client,
    server: async (settings) => kept(await startLiveServer(databaseUrl, address, settings)),
    worker: async (slots) => kept(await startLiveWorker(address.grpcUrl, slots)),
  }
}

export interface Sent {
  readonly n: number
  readonly handle: TaskHandle<{ readonly ship: number }>
}

/** Each is acknowledged when this resolves; every fifth stumbles once. */
export const sendParcels = (
  { client }: Pick<Field, 'client'>,
  count: number,
  more: { readonly holdMs: number; readonly gate?: string },
): Promise<readonly Sent[]> =>
  Promise.all(
    Array.from({ length: count }, async (_, n) => ({
      n,
      handle: await client.submit(parcel, { n, stumbles: n % 5 === 0, ...more }),
    })),
  )

/** Waits for all results, through whatever happens meanwhile, and compares each with the one right one. */
export const expectRightResults = async (sent: readonly Sent[]): Promise<void> => {
  const results = await within(`${sent.length} results`, RESULTS_MS_MAX, Promise.all(sent.map(({ handle }) => handle.result())))
  expect(results).toEqual(sent.map(({ n }) => parcelResult(n)))
}

export const auditOf = ({ databaseUrl }: Field, poisoned?: string): Promise<LogAudit> =>
  auditLog(databaseUrl, {
    dependencies: PARCEL_DEPENDENCIES,
    attemptsMax: PARCEL_ATTEMPTS_MAX,
    ...(poisoned === undefined ? {} : { poisoned }),
  })

/** Nothing is wrong in the log, and all of these tasks are complete in it. */
export const expectSoundLog = async (on: Field, sent: readonly Sent[], poisoned?: string): Promise<LogAudit> => {
  const audit = await auditOf(on, poisoned)
  expect(audit.problems).toEqual([])
  expect(sent.map(({ handle }) => audit.tasks.get(handle.taskId)?.end)).toEqual(sent.map(() => 'task.completed'))
  return audit
}

/** Slots that are taken, over all workers. */
export const busySlots = async (address: Address): Promise<number> => {
  const { workers } = (await rest(address, '/v1/workers')).body
  if (!Array.isArray(workers)) return 0
  return workers.reduce<number>((sum, worker: { readonly busy?: number }) => sum + (worker.busy ?? 0), 0)
}

export const untilBusy = ({ address }: Field, slots: number): Promise<number> =>
  until(`${slots} slots are taken`, RESULTS_MS_MAX, async () => {
    const busy = await busySlots(address)
    return busy >= slots ? busy : undefined
  })

/** A file that handlers wait for; `open` makes it. */
export const gate = (): { readonly path: string; readonly open: () => void } => {
  const folder = mkdtempSync(join(tmpdir(), 'tasker-gate-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'open')
  return { path, open: () => writeFileSync(path, '') }
}
