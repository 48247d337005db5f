/** Keys on real processes: no more holders than places and no more starts than the rate, also when the server is killed meanwhile. */
import { credentials } from '@grpc/grpc-js'
import { instant, partitionNumber } from '@tasker/core'
import { KeyServiceClient, type ListKeysResponse, TaskServiceClient, type GetResponse } from '@tasker/proto'
import { Client, defineTask, Worker } from '@tasker/sdk'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { keysHold } from '../../simulation/invariants/places-of-keys.js'
import { type Address, end, freeAddress, rest, startLiveServer } from '../../support/live-server.js'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { until } from '../../support/until.js'

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const RESULTS_MS_MAX = 90_000
const KILLS = 3

let database: TestDatabase
let address: Address
beforeEach(async () => {
  database = await freshDatabase()
  address = await freeAddress()
})
afterEach(() => database.drop())

/** The log in an order in which it can have been written: by partition, and between partitions by time. */
const writtenLog = async () => {
  const rows = await query(
    database.url,
    'select *, xmin::text::bigint as written from event_commit order by written, partition, seq',
  )
  return rows.map((row) => ({
    partition: partitionNumber(Number(row['partition'])),
    seq: Number(row['seq']),
    stream: { kind: String(row['stream_kind']) as 'key', id: String(row['stream_id']) },
    firstVersion: Number(row['first_version']),
    namespace: String(row['namespace']),
    at: instant(Number(row['at_ms'])),
    actor: String(row['actor']),
    worker: undefined,
    cause: String(row['cause']),
    types: row['types'] as readonly string[],
    text: String(row['events']),
    hash: Buffer.alloc(32),
  }))
}

const work = (options: Omit<ConstructorParameters<typeof Worker>[0], 'url'>): void => {
  const worker = new Worker({ url: address.grpcUrl, signals: false, logger: silent, ...options })
  const ended = worker.run()
  onTestFinished(async () => {
    await worker.stop()
    await ended
  })
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

test('a key of three places never has four attempts at work, while the server is killed again and again', async () => {
  let running = 0
  let most = 0
  let left = 40
  const task = defineTask('crowd', {
    namespace: 'keys',
    version: '1.0.0',
    fairnessKey: '${context.tenant}',
    concurrency: { key: 'crowd', limit: 3 },
  }).step('a', async () => {
    running++
    most = Math.max(most, running)
    await pause(60)
    running--
    left--
    return null
  })
  const client = new Client({ url: address.grpcUrl, logger: silent, submitTimeout: '2m' })
  onTestFinished(() => client.close())
  let server = await startLiveServer(database.url, address)
  onTestFinished(() => end(server, 'SIGKILL').then(() => undefined))
  work({ namespace: 'keys', slots: 20, tasks: [task] })
  const handles = await Promise.all(Array.from({ length: left }, (_, n) => client.submit(task, { tenant: `t${n % 3}` })))
  for (let kill = 1; kill <= KILLS; kill++) {
    await until('some more are done', RESULTS_MS_MAX, () => Promise.resolve(left <= 40 - kill * 8 ? true : undefined))
    await end(server, 'SIGKILL')
    server = await startLiveServer(database.url, address)
  }
  await Promise.all(handles.map((handle) => handle.result({ signal: AbortSignal.timeout(RESULTS_MS_MAX) })))
  expect(most).toBe(3)
  await until('every place is free', RESULTS_MS_MAX, async () => {
    const { keys } = (await rest(address, '/v1/keys')).body
    return Array.isArray(keys) && keys.length === 0 ? true : undefined
  })
  const written = await writtenLog()
  expect(written.filter(({ types }) => types.includes('key.granted')).length).toBeGreaterThan(0)
  expect(keysHold(written)).toEqual([])
}, 180_000)

test('a rate of two in a second is kept through a kill, and who waits is shown at every door', async () => {
  const task = defineTask('rated', { namespace: 'keys', version: '1.0.0' }).step(
    'a',
    { rateLimit: { key: 'api', limit: 2, per: '1s' } },
    () => null,
  )
  const client = new Client({ url: address.grpcUrl, logger: silent, submitTimeout: '2m' })
  onTestFinished(() => client.close())
  let server = await startLiveServer(database.url, address)
  onTestFinished(() => end(server, 'SIGKILL').then(() => undefined))
  const handles = []
  for (let n = 0; n < 7; n++) handles.push(await client.submit(task, {}))
  const last = handles.at(-1)?.taskId ?? ''
  await until('two have a place', RESULTS_MS_MAX, async () => {
    const { keys } = (await rest(address, '/v1/keys?kind=rate&namespace=keys')).body
    return Array.isArray(keys) && (keys[0] as { held?: number } | undefined)?.held === 2 ? true : undefined
  })
  expect((await rest(address, '/v1/keys')).body).toMatchObject({
    keys: [{ namespace: 'keys', kind: 'rate', key: 'api', limit: 2, per_ms: 1_000, held: 2, waiting: 5 }],
  })
  expect((await rest(address, `/v1/tasks/${last}`)).body).toMatchObject({
    steps: [
      {
        status: 'enqueued',
        waiting_for_key: { kind: 'rate', key: 'api', limit: 2, per_ms: 1_000 },
        key_line: { held: 2, ahead: 4 },
      },
    ],
  })
  const services = { keys: KeyServiceClient, tasks: TaskServiceClient }
  const keys = new services.keys(address.grpcUrl, credentials.createInsecure())
  const tasks = new services.tasks(address.grpcUrl, credentials.createInsecure())
  const listed = await new Promise<ListKeysResponse>((resolve, reject) => {
    keys.listKeys({ namespace: 'keys' }, (error, response) => (error === null ? resolve(response) : reject(error)))
  })
  expect(listed.keys).toMatchObject([{ kind: 'rate', key: 'api', limit: 2, perMs: 1_000, held: 2, waiting: 5 }])
  const got = await new Promise<GetResponse>((resolve, reject) => {
    tasks.get({ taskId: last }, (error, response) => (error === null ? resolve(response) : reject(error)))
  })
  expect(got.task?.steps[0]?.waitingForKey).toMatchObject({ kind: 'rate', key: 'api', limit: 2, held: 2, ahead: 4 })
  keys.close()
  tasks.close()

  work({ namespace: 'keys', slots: 20, tasks: [task] })
  await handles[2]?.result({ signal: AbortSignal.timeout(RESULTS_MS_MAX) })
  await end(server, 'SIGKILL')
  server = await startLiveServer(database.url, address)
  await Promise.all(handles.map((handle) => handle.result({ signal: AbortSignal.timeout(RESULTS_MS_MAX) })))
  const starts = (await query(database.url, `select at from event where type = 'step.started' order by at`)).map((row) =>
    Number(row['at']),
  )
  expect(starts).toHaveLength(7)
  for (const [index, at] of starts.entries()) {
    const third = starts[index + 2]
    if (third !== undefined) expect(third - at).toBeGreaterThanOrEqual(1_000)
  }
}, 120_000)
