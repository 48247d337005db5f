/** Lists with consistency tokens show the writes the tokens are of, through both doors, while the rows lag behind. */
import type { ServiceError } from '@grpc/grpc-js'
import type { ListResponse } from '@tasker/proto'
import { LIMITS } from '@tasker/core'
import { TASK_LIST } from '@tasker/server/internal/rest/schema/task'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'
import { type Clients, clientsTo, detailOf, failureOf, listRequest } from '../grpc/wire-client.js'
import { type Ground, startGround, type Submitted } from './ground.js'

const WRITES = 12

let database: TestDatabase
// Dropped when all that a test started on it has ended.
beforeEach(async ({ onTestFinished }) => {
  database = await freshDatabase()
  onTestFinished(() => database.drop())
})

/** Rows that are written only so often. */
const lagging = async (intervalMs: number): Promise<{ readonly ground: Ground; readonly grpc: Clients }> => {
  const ground = await startGround(database.url, { TASKER_PROJECTION_INTERVAL_MS: String(intervalMs) }, false)
  const grpc = clientsTo(Number(ground.server.grpcUrl.split(':').at(-1)))
  onTestFinished(() => grpc.close())
  return { ground, grpc }
}

const submitSeveral = async (ground: Ground, first: number): Promise<readonly Submitted[]> => {
  const writes: Submitted[] = []
  for (let n = first; n < first + WRITES; n++) writes.push(await ground.submit(n * 8 + 1))
  return writes
}

const overRest = async (ground: Ground, tokens: readonly string[]) => {
  const parameters = tokens.map((token) => `consistency_token=${token}`).join('&')
  return fetch(`${ground.url}/v1/tasks?limit=500&${parameters}`)
}

const idsOverRest = async (ground: Ground, tokens: readonly string[]): Promise<readonly string[]> =>
  TASK_LIST.parse(await (await overRest(ground, tokens)).json()).tasks.map(({ task_id }) => task_id)

const overGrpc = (grpc: Clients, consistencyTokens: readonly string[]): Promise<ListResponse> =>
  new Promise((resolve, reject) =>
    grpc.tasks.list(
      listRequest({ limit: 500, consistencyTokens: [...consistencyTokens] }),
      (error: ServiceError | null, response) => (error === null ? resolve(response) : reject(error)),
    ),
  )

const idsOf = (writes: readonly Submitted[]): readonly string[] => writes.map(({ taskId }) => taskId)
const tokensOf = (writes: readonly Submitted[]): readonly string[] => writes.map(({ token }) => token)

test('a list that carries the tokens of many writes shows all of them, where one without does not yet', async () => {
  const { ground, grpc } = await lagging(900)
  const first = await submitSeveral(ground, 0)
  expect(new Set(tokensOf(first).map((token) => token.split(':')[0])).size).toBeGreaterThan(1)
  const withoutTokens = await idsOverRest(ground, [])
  expect(idsOf(first).filter((id) => withoutTokens.includes(id)).length).toBeLessThan(WRITES)
  expect(await idsOverRest(ground, tokensOf(first))).toEqual(expect.arrayContaining([...idsOf(first)]))
  const second = await submitSeveral(ground, WRITES)
  const listed = await overGrpc(grpc, tokensOf(second))
  expect(listed.tasks.map(({ taskId }) => taskId)).toEqual(expect.arrayContaining([...idsOf(second)]))
})

test('an order gives a token too: the list shows what it did', async () => {
  const { ground } = await lagging(900)
  const [write] = await submitSeveral(ground, 0)
  const cancelled = await ground.post(`/v1/tasks/${write?.taskId}/cancel`, '{}')
  const token = cancelled.headers.get('tasker-consistency-token') ?? ''
  const { tasks } = TASK_LIST.parse(await (await overRest(ground, [token])).json())
  expect(tasks.find(({ task_id }) => task_id === write?.taskId)?.status).toBe('cancelled')
})

describe('rows that lag by more than a reader waits', () => {
  test('are said to, at both doors, after two seconds and with when to come again', async () => {
    const { ground, grpc } = await lagging(60_000)
    const writes = await submitSeveral(ground, 0)
    const askedAt = performance.now()
    const [answer, failure] = await Promise.all([
      overRest(ground, tokensOf(writes)),
      failureOf((call) => grpc.tasks.list(listRequest({ consistencyTokens: [...tokensOf(writes)] }), call)),
    ])
    const tookMs = performance.now() - askedAt
    expect(tookMs).toBeGreaterThanOrEqual(LIMITS.consistencyWaitMsMax)
    expect(tookMs).toBeLessThan(LIMITS.consistencyWaitMsMax * 3)
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(await answer.json()).toMatchObject({ reason: 'CONSISTENCY_TIMEOUT', retryable: true })
    expect(detailOf(failure)).toMatchObject({ reason: 'CONSISTENCY_TIMEOUT', retryable: true })
    // A single task is read as it is, and a list without a token is as it is.
    expect((await fetch(`${ground.url}/v1/tasks/${writes[0]?.taskId}`)).status).toBe(200)
    expect((await overRest(ground, [])).status).toBe(200)
    const text = await (await fetch(`${ground.url}/metrics`)).text()
    const lags = [...text.matchAll(/^tasker_projection_partition_lag_commits\{projection="task",partition="\d"\} (\d+)$/gm)]
    expect(lags.reduce((sum, [, commits]) => sum + Number(commits), 0)).toBeGreaterThanOrEqual(WRITES)
    const [, oldest] = /^tasker_projection_partition_lag_seconds\{projection="timer",partition="\d"\} (\d\S*)$/m.exec(text) ?? []
    expect(Number(oldest)).toBeGreaterThan(1)
  })
})
