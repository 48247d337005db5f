/** PostgreSQL dies, or the ways to it break, under a server that goes on by itself. */
import type { RunningPostgres } from '@tasker/dev-postgres'
import { monotonicFactory } from 'ulid'
import { expect, onTestFinished, test } from 'vitest'
import { eventCount, firstCompletionAfter } from '../../support/log-audit.js'
import { type Address, type Answer, end, member, rest } from '../../support/live-server.js'
import { parcelResult } from '../../support/parcel.js'
import { type CutMoment, postgresProxy } from '../../support/postgres-proxy.js'
import { freshDatabase, query } from '../../support/postgres.js'
import { until } from '../../support/until.js'
import { durablePostgres } from './durable-postgres.js'
import { gate, expectRightResults, expectSoundLog, field, RESULTS_MS_MAX, sendParcels, untilBusy } from './field.js'

const ulid = monotonicFactory()

interface Submission {
  readonly n: number
  readonly requestId: string
}

const submission = (n: number): Submission => ({ n, requestId: ulid() })

const submit = (address: Address, { n, requestId }: Submission): Promise<Answer> =>
  rest(address, '/v1/tasks', {
    namespace: 'faults',
    name: 'parcel',
    request_id: requestId,
    context: { n, holdMs: 5, stumbles: false },
  })

const IN_THE_MOMENT = 40

const appenderOf = async ({ url }: RunningPostgres): Promise<number> => {
  const rows = await query(url, `select pid from pg_stat_activity where application_name = 'tasker append'`)
  expect(rows).toHaveLength(1)
  return Number(rows[0]?.['pid'])
}

/** What a caller is told while the database is away, and what each says of the submission. */
const NOT_TAKEN = /nothing was taken/
const MAYBE_TAKEN = /may still be taken/

test('when PostgreSQL is killed under load the server survives, says of each submission whether it was taken, and goes on by itself', async () => {
  const { postgres, again } = await durablePostgres()
  const on = await field(postgres.url)
  const server = await on.server()
  await on.worker(100)
  const way = gate()
  const sent = await sendParcels(on, 100, { holdMs: 20, gate: way.path })
  await untilBusy(on, 100)

  // The process that appends stands still, so that submissions are on their way when all of PostgreSQL dies.
  const appender = await appenderOf(postgres)
  process.kill(appender, 'SIGSTOP')
  const inTheMoment = Array.from({ length: IN_THE_MOMENT }, (_, n) => submission(n))
  const answering = Promise.all(inTheMoment.map((one) => submit(on.address, one)))
  await until('all are on their way', RESULTS_MS_MAX, async () =>
    Number((await rest(on.address, '/health/detailed')).body['pending_commits']) >= IN_THE_MOMENT - 1 ? true : undefined,
  )
  // A hundred results come in while nobody can write them down.
  way.open()
  const killedAt = Date.now()
  const killed = postgres.kill9()
  process.kill(appender, 'SIGKILL')
  await killed
  const answers = await answering
  expect(answers.map((answer) => member(answer, 'reason'))).toEqual(answers.map(() => 'SUBMISSION_UNCONFIRMED'))
  const during = Array.from({ length: 10 }, (_, n) => submission(1_000 + n))
  const refused = await Promise.all(during.map((one) => submit(on.address, one)))
  for (const answer of [...answers, ...refused].filter(({ status }) => status !== 201)) {
    expect(answer).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE', retryable: true } })
    const reason = member(answer, 'reason')
    expect(['DATABASE_UNAVAILABLE', 'SERVER_NOT_READY', 'SUBMISSION_UNCONFIRMED']).toContain(reason)
    expect(member(answer, 'detail')).toMatch(reason === 'SUBMISSION_UNCONFIRMED' ? MAYBE_TAKEN : NOT_TAKEN)
  }
  expect(refused.map(({ status }) => status)).toEqual(during.map(() => 503))
  expect((await rest(on.address, '/health/ready')).status).toBe(503)
  expect((await rest(on.address, '/health/live')).status).toBe(200)

  const restartAt = Date.now()
  await again()
  const acceptsAt = Date.now()
  await until('the server is ready again', RESULTS_MS_MAX, async () =>
    (await rest(on.address, '/health/ready')).status === 200 ? true : undefined,
  )
  await expectRightResults(sent)

  // Each is repeated with its own id: it is one task, the one that was named when it was open.
  const repeated = await Promise.all([...inTheMoment, ...during].map((one) => submit(on.address, one)))
  expect(repeated.map(({ status }) => status === 201 || status === 200)).toEqual(repeated.map(() => true))
  for (const [index, first] of [...answers, ...refused].entries()) {
    const named = member(first, 'task_id')
    if (named !== '') expect(repeated[index] && member(repeated[index], 'task_id')).toBe(named)
  }
  const ids = repeated.map((answer) => member(answer, 'task_id'))
  expect(new Set(ids).size).toBe(50)
  for (const [index, id] of ids.entries()) {
    const result = await rest(on.address, `/v1/tasks/${id}/result?wait_seconds=15`)
    expect(result.body['result']).toEqual(parcelResult([...inTheMoment, ...during][index]?.n ?? Number.NaN))
  }
  const audit = await expectSoundLog(on, sent)
  expect(audit.tasks.size).toBe(150)
  expect(eventCount(audit, 'step.completed')).toBe(150 * 4)
  // The workers never went away, so no attempt was lost for it.
  expect(eventCount(audit, 'step.failed')).toBe(20)
  const resumedAt = firstCompletionAfter(audit, restartAt) ?? Number.NaN
  console.log(
    `PostgreSQL killed: accepts connections after ${acceptsAt - killedAt} ms, first completion ${resumedAt - acceptsAt} ms later`,
  )
  expect(await end(server)).toBe(0)
}, 180_000)

/** Prepared statements by their names, which are in each of their executions. */
const CUTS: readonly (readonly [string, CutMoment])[] = [
  ['append_commits', 'before_answer'],
  ['append_commits', 'before_request'],
  ['write_projection', 'before_answer'],
  ['append_commits', 'late_request'],
  ['append_commits', 'late_request'],
  ['write_projection', 'late_request'],
  ['append_commits', 'before_answer'],
  ['append_commits', 'late_request'],
  ['write_projection', 'before_request'],
  ['append_commits', 'late_request'],
]

test('connections that are cut under load, before a statement, before its answer or while it still arrives, lose and double nothing', async () => {
  const database = await freshDatabase()
  const proxy = await postgresProxy(database.url)
  onTestFinished(async () => {
    await proxy.close()
    await database.drop()
  })
  const on = { ...(await field(proxy.url)), databaseUrl: database.url }
  const server = await on.server()
  await on.worker(100)
  const sent = await sendParcels(on, 150, { holdMs: 300 })
  for (const [index, [statement, moment]] of CUTS.entries()) {
    proxy.cutNext(statement, moment)
    await until(`cut ${index + 1}`, RESULTS_MS_MAX, async () => (proxy.cuts() > index ? true : undefined))
  }
  // All at once, those of the log's readers, the projections and the hold on the database too.
  proxy.cutAll()
  await expectRightResults(sent)
  const audit = await expectSoundLog(on, sent)
  expect(eventCount(audit, 'step.completed')).toBe(600)
  expect(eventCount(audit, 'step.failed')).toBe(30)
  await until('all rows are written', RESULTS_MS_MAX, async () =>
    (await query(database.url, `select 1 from task where status = 'complete'`)).length === 150 ? true : undefined,
  )
  expect(await query(database.url, 'select 1 from ready_step union all select 1 from timer')).toEqual([])
  expect(await end(server)).toBe(0)
}, 120_000)
