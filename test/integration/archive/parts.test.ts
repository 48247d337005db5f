/** The parts of archiving on the real log and rows of PostgreSQL: who is held, what is removed in what order, and what a cut leaves. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { durationMs, instant, type Partition, partitionNumber, present, readRetention, type TaskId } from '@tasker/core'
import { Archiver } from '@tasker/server/internal/archive/archiver'
import { directoryStore } from '@tasker/server/internal/archive/directory-store'
import { commitsOf, gather } from '@tasker/server/internal/archive/gather'
import { postgresRows } from '@tasker/server/internal/archive/postgres/postgres-rows'
import { removeArchived } from '@tasker/server/internal/archive/remove'
import type { RetentionRows } from '@tasker/server/internal/archive/rows'
import { SealedRanges } from '@tasker/server/internal/audit/read-proof'
import { type RunningEngine, startEngine } from '@tasker/server/internal/engine/engine'
import { systemClock } from '@tasker/server/internal/engine/system-clock'
import { archivedEnd, type ArchivedEnd } from '@tasker/server/internal/log/archived-end'
import type { EventLog } from '@tasker/server/internal/log/port'
import { openPostgresLog } from '@tasker/server/internal/log/postgres/postgres-log'
import { openPostgresStore } from '@tasker/server/internal/projections/postgres-store'
import { streamActivity } from '@tasker/server/internal/projections/stream-activity'
import type { ProjectionStore } from '@tasker/server/internal/projections/port'
import { createMetrics } from '@tasker/server/internal/telemetry/metrics'
import { schemaCheck } from '@tasker/server/internal/templates/json-schema'
import { ulid } from 'ulid'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ENGINE_SETTINGS } from '../../support/engine-settings.js'
import { ScriptedWorker, SHOP, type StepShape, submissionOf, templateText } from '../../support/engine.js'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { newSealKey } from '../../support/sealed.js'
import { until } from '../../support/until.js'
import { auditFinding } from '../../support/verified.js'

const PARTITIONS = 2
const SEALING = { commitsMax: 10_000, afterMs: durationMs(100), published: undefined, trouble: () => undefined }
const PATIENCE_MS = 20_000
/** Their commits are more than one transaction removes. */
const STEPS = 300
const NOT_SEALED = { of: () => Promise.resolve(undefined) }

let database: TestDatabase
let log: EventLog
let store: ProjectionStore
let rows: RetentionRows
let engine: RunningEngine
let directory: string

const open = async (): Promise<void> => {
  log = await openPostgresLog({ url: database.url, partitionCount: PARTITIONS })
  store = await openPostgresStore({ url: database.url })
  rows = postgresRows(database.url)
  engine = await startEngine(
    {
      log,
      store,
      clock: systemClock,
      schemaCheck: schemaCheck(),
      metrics: createMetrics(),
      draw: Math.random,
      sealing: { ...SEALING, key: newSealKey() },
    },
    { ...ENGINE_SETTINGS, projectionIntervalMs: durationMs(20) },
    { fenced: () => undefined, quarantined: () => undefined, logAvailable: () => undefined },
  )
}
const close = async (): Promise<void> => {
  await engine.stop()
  await Promise.all([log.close(), store.close(), rows.close()])
}

beforeEach(async () => {
  database = await freshDatabase()
  directory = mkdtempSync(join(tmpdir(), 'tasker-parts-'))
  await open()
})
afterEach(async () => {
  await close()
  await database.drop()
  rmSync(directory, { recursive: true, force: true })
})

const register = async (steps: readonly StepShape[], more = {}): Promise<void> => {
  const answer = await engine.register(templateText('order', steps, '1.0.0', more), { replace: false, actor: 'tester' })
  if (answer.type === 'failed') throw new Error(JSON.stringify(answer.fault))
}

const submitted = (): Promise<TaskId> =>
  new Promise((resolve, reject) =>
    engine.submit(submissionOf(1, { requestId: ulid() }), (answer) =>
      answer.type === 'failed' ? reject(new Error(answer.fault.message)) : resolve(answer.taskId),
    ),
  )

const count = async (sql: string): Promise<number> => Number((await query(database.url, sql))[0]?.['n'])

/** Tasks that are over, and whose rows say so. */
const ended = async (tasks: number, work: (worker: ScriptedWorker) => void = completeAll): Promise<readonly TaskId[]> => {
  const worker = new ScriptedWorker(engine, {})
  const ids = await Promise.all(Array.from({ length: tasks }, () => submitted()))
  await until('all tasks are over', PATIENCE_MS, async () => {
    work(worker)
    return (await count('select count(*) as n from task where ended_at_ms is not null')) >= tasks ? ids : undefined
  })
  worker.session.disconnected()
  return ids
}

const completeAll = (worker: ScriptedWorker): void => {
  for (const command of worker.open) worker.complete(command)
}

const retentionOf = (text: string) => {
  const reading = readRetention(text)
  if (reading.type === 'invalid') throw new Error(reading.message)
  return reading.retention
}

const archiverWith = (sealed: Pick<SealedRanges, 'of'>): Archiver =>
  new Archiver(
    {
      engine,
      log,
      rows,
      store: directoryStore(directory),
      clock: systemClock,
      hooks: { archived: () => undefined, failed: (message) => expect.unreachable(message) },
      sealed,
    },
    { retention: retentionOf('*=1s'), batchTasksMax: 10, pauseMs: durationMs(0), intervalMs: durationMs(60_000) },
  )

const untilDue = (): Promise<boolean> =>
  until('the tasks are due', PATIENCE_MS, async () => {
    const newest = await count('select max(ended_at_ms) as n from task')
    return systemClock.now() - newest > 1_500 ? true : undefined
  })

const pass = async (archiver: Archiver) => {
  const status = await archiver.run(PATIENCE_MS)
  expect(status.problem).toBeUndefined()
  return status
}

describe('a task that is due stays', () => {
  test('while a commit of it is not sealed, and goes when it is', async () => {
    await register([{ name: 'a' }])
    await ended(12)
    await untilDue()
    const held = archiverWith(NOT_SEALED)
    expect(await pass(held)).toMatchObject({
      tasks: 0,
      lastPass: { tasks: 0, held: { unsealed: 12, unpublished: 0, refused: 0 } },
    })
    expect(held.health().lagMs).toBeGreaterThan(0)
    await held.stop()
    const archiver = archiverWith(new SealedRanges(log.audit))
    expect(await pass(archiver)).toMatchObject({
      tasks: 12,
      archives: 2,
      pendingArchives: 0,
      lastPass: { tasks: 12, held: { unsealed: 0 } },
    })
    expect(archiver.health().lagMs).toBe(0)
    await archiver.stop()
  }, 60_000)

  test('while a domain event of it is not published, and goes when it is', async () => {
    await register([{ name: 'a', more: { publishes_events: [{ name: 'order.done' }] } }], {
      domain_events: [{ name: 'order.done' }],
    })
    await ended(3)
    await untilDue()
    const archiver = archiverWith(new SealedRanges(log.audit))
    expect(await pass(archiver)).toMatchObject({ tasks: 0, lastPass: { held: { unpublished: 3 } } })
    await query(database.url, 'insert into publisher_checkpoint select p, 1000000 from generate_series(0, 1) as p')
    expect(await pass(archiver)).toMatchObject({ tasks: 3, lastPass: { held: { unpublished: 0 } } })
    await archiver.stop()
  }, 60_000)

  test('while its id is ahead of its end', async () => {
    await register([{ name: 'a' }])
    const taskId = present((await ended(1))[0], 'the task')
    const published = new Map<Partition, number>()
    const request = { namespace: SHOP, after: undefined, tasksMax: 10, sealed: new SealedRanges(log.audit), published }
    const now = systemClock.now()
    const due = await until('the task is sealed', PATIENCE_MS, async () => {
      const { tasks } = await gather({ log, rows }, { ...request, before: instant(now + 60_000) })
      return tasks.length > 0 ? tasks : undefined
    })
    expect(due).toMatchObject([{ taskId }])
    const early: RetentionRows = { ...rows, ended: async () => [{ taskId: taskId, endedAt: instant(1) }] }
    expect(await gather({ log, rows: early }, { ...request, before: instant(1_000) })).toMatchObject({
      tasks: [],
      held: { refused: 0 },
    })
  }, 60_000)
})

describe('the commits of an archived task', () => {
  /** One task with more commits than one transaction removes, archived and not removed. */
  const longTask = async (): Promise<TaskId> => {
    await register(Array.from({ length: STEPS }, (_, n) => ({ name: `s${n}` })))
    const taskId = present((await ended(1))[0], 'the task')
    const commits = await commitsOf(log, taskId)
    const last = commits.at(-1)
    expect(commits.length).toBeGreaterThan(550)
    const versions = (last?.firstVersion ?? 0) + (last?.types.length ?? 0) - 1
    const answer = await engine.archive({
      taskId: taskId,
      archive: 'shop/one',
      versions,
      commits: commits.length,
      lastSeq: last?.seq ?? 0,
      lastHash: last?.hash ?? Buffer.alloc(0),
    })
    expect(answer).toMatchObject({ type: 'archived' })
    return taskId
  }
  const planOf = (hash: Parameters<RunningEngine['planOf']>[0]) => engine.planOf(hash)
  const untilProjected = () =>
    until('the rows of the task are gone', PATIENCE_MS, async () =>
      (await count('select count(*) as n from task')) === 0 ? 1 : undefined,
    )

  test('go newest first and in bounded steps; what a cut leaves is still one archived task, and the rest goes later', async () => {
    const taskId = await longTask()
    const whole = (await commitsOf(log, taskId)).slice(0, -1)
    const sums = streamActivity(whole, planOf).flatMap(({ activity }) => activity)
    expect(await removeArchived([taskId], { log, rows: { ...rows, readers: readersBehind }, planOf, goOn: yes })).toBe('later')
    expect(await count('select count(*) as n from archived_commit')).toBe(0)
    await untilProjected()
    expect(await removeArchived([taskId], { log, rows, planOf, goOn: no })).toBe('later')
    expect(await count('select count(*) as n from archived_commit')).toBe(500)
    const left = await commitsOf(log, taskId)
    expect(left.slice(0, -1)).toEqual(whole.slice(0, whole.length - 500))
    expect(left.at(-1)?.types).toEqual(['task.archived'])

    // A server that starts now knows what it is, and goes on.
    await close()
    await open()
    await expect(engine.read(taskId)).rejects.toMatchObject({ reason: 'TASK_ARCHIVED' })
    expect(engine.health()).toMatchObject({ ready: true, quarantined: [] })
    expect(await removeArchived([taskId], { log, rows, planOf, goOn: yes })).toBe('removed')
    expect((await commitsOf(log, taskId)).map(({ types }) => types)).toEqual([['task.archived']])
    expect(await count('select count(*) as n from archived_commit')).toBe(whole.length)
    expect(await count(`select sum(completed) as n from archived_activity where step <> ''`)).toBe(STEPS)
    expect(await count(`select sum(completed) as n from archived_activity where step = ''`)).toBe(1)
    expect(await count('select sum(duration_ms_sum) as n from archived_activity')).toBe(
      sums.reduce((sum, row) => sum + row.durationMsSum, 0),
    )
    expect(await removeArchived([taskId], { log, rows, planOf, goOn: yes })).toBe('removed')
    expect(await count(`select sum(completed) as n from archived_activity where step <> ''`)).toBe(STEPS)
  }, 90_000)

  test('are removed all of those that are asked for, or none', async () => {
    await register([{ name: 'a' }])
    const taskId = present((await ended(1))[0], 'the task')
    const [first] = await commitsOf(log, taskId)
    const places = [
      { partition: first?.partition ?? partitionNumber(0), seq: first?.seq ?? 0 },
      { partition: partitionNumber(0), seq: 999_999 },
    ]
    expect(await rows.remove({ places, activity: [] })).toBe('changed')
    expect(await count('select count(*) as n from archived_commit')).toBe(0)
    expect((await commitsOf(log, taskId))[0]).toEqual(first)
  }, 60_000)
})

const yes = (): Promise<boolean> => Promise.resolve(true)
const no = (): Promise<boolean> => Promise.resolve(false)
const readersBehind = () => Promise.resolve({ projected: new Map<Partition, number>(), published: new Map<Partition, number>() })

describe('what the log keeps of an archived task', () => {
  const archivedOne = async (): Promise<{ readonly taskId: TaskId; readonly lastSeq: number; readonly partition: number }> => {
    await register([{ name: 'a' }])
    const taskId = present((await ended(2))[0], 'the task')
    await untilDue()
    const archiver = archiverWith(new SealedRanges(log.audit))
    expect(await pass(archiver)).toMatchObject({ tasks: 2, pendingArchives: 0 })
    await archiver.stop()
    const end = present((await commitsOf(log, taskId))[0], 'its last commit')
    const { lastSeq } = archivedEnd(end) as ArchivedEnd
    return { taskId, lastSeq, partition: end.partition }
  }

  test('verifies, until somebody changes a hash that is kept, takes one away, or links the end to another', async () => {
    const { taskId, lastSeq, partition } = await archivedOne()
    expect(await auditFinding(database.url)).toBeUndefined()
    const at = `partition = ${partition} and seq = ${lastSeq}`
    const tampered = async (change: string, undo: string) => {
      await query(database.url, change)
      const found = await auditFinding(database.url)
      await query(database.url, undo)
      expect(await auditFinding(database.url)).toBeUndefined()
      return found
    }
    const [kept] = await query(database.url, `select encode(hash, 'hex') as hash from archived_commit where ${at}`)
    const hash = String(kept?.['hash'])
    const other = `${hash.startsWith('0') ? '1' : '0'}${hash.slice(1)}`
    const put = (to: string) => `update archived_commit set hash = decode('${to}', 'hex') where ${at}`
    expect(await tampered(put(other), put(hash))).toMatchObject({ kind: 'broken_seal', at: { partition } })
    const away = `delete from archived_commit where ${at}`
    const back = `insert into archived_commit values (${partition}, ${lastSeq}, decode('${hash}', 'hex'))`
    expect(await tampered(away, back)).toMatchObject({ kind: 'missing_commit', at: { partition, seq: lastSeq } })
    const link = (from: string, to: string) =>
      `update event_commit set events = replace(events, '${from}', '${to}') where stream_id = '${taskId}'`
    expect(
      await tampered(link(`"lastSeq":${lastSeq}`, '"lastSeq":1'), link('"lastSeq":1', `"lastSeq":${lastSeq}`)),
    ).toMatchObject({
      stream: `task/${taskId}`,
    })
    expect(
      await tampered(link('"status":"complete"', '"status":"error"'), link('"status":"error"', '"status":"complete"')),
    ).toMatchObject({
      kind: 'changed_commit',
      stream: `task/${taskId}`,
    })
  }, 60_000)
})

test('namespaces and their tasks are found oldest first, page by page', async () => {
  await query(
    database.url,
    `insert into task (task_id, namespace, name, version, status, priority, tags, correlation_id, created_at_ms, updated_at_ms, ended_at_ms,
       stream_version, steps)
     select '01JXT21Q00' || lpad(n::text, 16, '0'), 'n' || n % 3, 't', '1', 's', 0, '{}', 'c', 1, 1, case when n % 7 = 0 then null else 100 - n end, 1, '[]'
     from generate_series(1, 60) as n`,
  )
  expect(await rows.namespaces()).toEqual(['n0', 'n1', 'n2'])
  const all = await rows.ended('n1', instant(1_000), undefined, 100)
  expect(all.map(({ endedAt }) => endedAt)).toEqual(all.map(({ endedAt }) => endedAt).toSorted((a, b) => a - b))
  const paged = []
  for (let page = await rows.ended('n1', instant(1_000), undefined, 4); page.length > 0; ) {
    paged.push(...page)
    page = await rows.ended('n1', instant(1_000), page.at(-1), 4)
  }
  expect(paged).toEqual(all)
  expect((await rows.ended('n1', instant(50), undefined, 100)).every(({ endedAt }) => endedAt < 50)).toBe(true)
  expect(await rows.ended('none', instant(1_000), undefined, 100)).toEqual([])
})

test('an archive is pending until it is finished, and recorded again when it is written again', async () => {
  const archive = {
    name: 'shop/one',
    namespace: 'shop',
    tasks: [ulid() as TaskId, ulid() as TaskId],
    bytes: 100,
    firstEndedAt: instant(1),
    lastEndedAt: instant(2),
    writtenAt: instant(3),
  }
  await rows.record(archive)
  expect(await rows.pending()).toEqual([{ name: archive.name, tasks: archive.tasks }])
  await rows.finish(archive.name)
  expect(await rows.pending()).toEqual([])
  await rows.record({ ...archive, writtenAt: instant(9) })
  expect(await rows.totals()).toEqual({ archives: 1, tasks: 2, bytes: 100, lastWrittenAt: 9, pending: 1 })
})
