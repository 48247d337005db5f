/**
 * `node --expose-gc test/dist/bench/asleep-process.js [--functions N] [--wait]`: what durable functions that sleep for a month hold in memory. Server
 * and worker are in this one process, on PostgreSQL, so the figure is that of both. With `--wait` they wait for a signal instead.
 */
import { parseArgs } from 'node:util'
import { Client, defineFunction, Worker } from '@tasker/sdk'
import { newConnection } from '@tasker/server/internal/database'
import { migrate } from '@tasker/server/internal/database/migrate'
import { startEngine } from '@tasker/server/internal/engine/engine'
import { systemClock } from '@tasker/server/internal/engine/system-clock'
import { WORKER_TIMES_DEFAULT } from '@tasker/server/internal/grpc/door'
import { inProcessDoor } from '@tasker/server/internal/grpc/in-process'
import { openPostgresLog } from '@tasker/server/internal/log/postgres/postgres-log'
import { openPostgresStore } from '@tasker/server/internal/projections/postgres-store'
import { memoryTaskLists } from '@tasker/server/internal/query/memory-query'
import { createMetrics } from '@tasker/server/internal/telemetry/metrics'
import { schemaCheck } from '@tasker/server/internal/templates/json-schema'
import { memoryTransport } from '@tasker/testing/internal/memory-transport'
import { ENGINE_SETTINGS } from '../support/engine-settings.js'
import { startDatabase } from './parts.js'

const MIB = 1024 * 1024
/** As a server has it when nothing is said. */
const CACHE_BYTES = 256 * MIB
/** Asleep before the first look, so that what is there once is there. */
const WARM_UP = 3_000
const LANES = 200
const BYTES_EACH_MAX = 1_024
const KEEP_MS = 1_000
const LOOK_EVERY_MS = 100
/** For sweeps of the worker and writes of the read models to come. */
const QUIET_MS = 5_000

const sleeper = defineFunction(
  'sleeper',
  { namespace: 'bench', version: '1.0.0' },
  async (ctx, { n }: { readonly n: number }) => {
    const doubled = await ctx.step('double', () => n * 2)
    if (values.wait) await ctx.waitForSignal('go')
    else await ctx.sleep('30d')
    return doubled
  },
)

const { values } = parseArgs({
  options: { functions: { type: 'string', default: '10000' }, wait: { type: 'boolean', default: false } },
})
const functions = Number(values.functions)

const { gc } = globalThis
if (gc === undefined) throw new Error('start it with --expose-gc')

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

const database = await startDatabase()
await migrate(database.url)
const log = await openPostgresLog({ url: database.url, partitionCount: 16 })
const store = await openPostgresStore({ url: database.url })
const engine = await startEngine(
  { log, store, clock: systemClock, schemaCheck: schemaCheck(), metrics: createMetrics(), draw: Math.random },
  { ...ENGINE_SETTINGS, cacheBytesMax: CACHE_BYTES },
  { fenced: () => undefined, quarantined: () => undefined, logAvailable: () => undefined },
)
const door = inProcessDoor({
  engine,
  lists: memoryTaskLists(() => []),
  logger: quiet,
  serverId: 'bench',
  workerTimes: WORKER_TIMES_DEFAULT,
})
const transport = memoryTransport(() => door)
const connection = { url: 'in process', transport, logger: quiet, namespace: 'bench' }
const worker = new Worker({ ...connection, tasks: [sleeper], slots: LANES, functionKeep: KEEP_MS, signals: false })
const working = worker.run()

const connectionToRows = newConnection({ url: database.url, applicationName: 'bench' })
await connectionToRows.connect()

let submitted = 0

/** Resolves when so many more functions are asleep. */
const putToSleep = async (count: number): Promise<void> => {
  const client = new Client(connection)
  submitted += count
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) await client.submit(sleeper, { n: next++ })
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  client.close()
  while ((await asleep()) < submitted) await pause(LOOK_EVERY_MS)
}

const asleep = async (): Promise<number> => {
  const { rows } = await connectionToRows.query<{ count: string }>(
    "select count(*) as count from task where status in ('sleeping', 'waiting_for_signal')",
  )
  return Number(rows[0]?.count)
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const memory = async (): Promise<number> => {
  await pause(QUIET_MS)
  for (let n = 0; n < 3; n++) gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
await putToSleep(WARM_UP)
const before = await memory()
await putToSleep(functions)
const after = await memory()
const bytesEach = Math.round((after - before) / functions)
process.stdout.write(`${functions} functions asleep: ${bytesEach} bytes each, ${(after / MIB).toFixed(1)} MiB in all\n`)
// What is promised of each.
if (bytesEach > BYTES_EACH_MAX) process.exitCode = 1
await worker.stop()
await working.catch(() => undefined)
door.stop()
await engine.stop()
await connectionToRows.end()
await store.close()
await log.close()
await database.stop()
