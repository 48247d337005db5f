/** The upkeep of rows on PostgreSQL: answers that are lost, tasks that are in an archive, and pages of rows with their checkpoints. */
import { parseTaskId, present, type TaskId } from '@tasker/core'
import { commitHash } from '@tasker/server/internal/log/commit-hash'
import { openPostgresLog } from '@tasker/server/internal/log/postgres/postgres-log'
import { openPostgresStore, PROJECTION } from '@tasker/server/internal/projections/postgres-store'
import { openAuditorRows } from '@tasker/server/internal/projections/postgres/auditor-rows'
import { openPostgresRebuilds } from '@tasker/server/internal/projections/postgres/rebuilds'
import type { RebuildStore } from '@tasker/server/internal/projections/rebuild/port'
import type { UpkeepPorts } from '@tasker/server/internal/projections/upkeep'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { commitsOf, startTestEngine, submissionOf, type TestEngine } from '../../support/engine.js'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { until } from '../../support/until.js'
import { settled } from '../../support/virtual-clock.js'
import { dumpRows } from './ground.js'

const PARTITIONS = 2
const TASKS = 6

let database: TestDatabase
// Dropped when all that a test started on it has ended.
beforeEach(async ({ onTestFinished: onEnd }) => {
  database = await freshDatabase()
  onEnd(() => database.drop())
})

interface Upkept {
  readonly world: TestEngine
  readonly stop: () => Promise<void>
}

/** An engine on PostgreSQL whose time a test turns on, with its upkeep. */
const startUpkept = async (rebuildsOf: (store: RebuildStore) => RebuildStore = (store) => store): Promise<Upkept> => {
  const { url } = database
  const log = await openPostgresLog({ url, partitionCount: PARTITIONS })
  const reading = await openPostgresLog({ url, partitionCount: PARTITIONS })
  const store = await openPostgresStore({ url })
  const rebuilds = openPostgresRebuilds({ url, checkpoints: PROJECTION })
  const rows = openAuditorRows({ url, checkpoints: PROJECTION })
  const nothing = (): void => undefined
  const told: UpkeepPorts['told'] = { started: nothing, failed: nothing, swapped: nothing, found: nothing, verified: nothing }
  const upkeep = { log: reading, rebuilds: rebuildsOf(rebuilds), rows, verifyStreamsPerSecond: 0, told }
  const world = await startTestEngine({ log, store, upkeep })
  let stopped: Promise<void> | undefined
  const stopAll = async (): Promise<void> => {
    const stopping = world.engine.stop()
    await turning(world, stopping)
    for (const part of [log, reading, store, rebuilds, rows]) await part.close()
  }
  const stop = (): Promise<void> => (stopped ??= stopAll())
  onTestFinished(stop)
  return { world, stop }
}

/** Time goes on until a promise is settled. */
const turning = async <Result>({ clock }: TestEngine, promise: Promise<Result>): Promise<Result> => {
  const state = { settled: false }
  const end = (): void => {
    state.settled = true
  }
  promise.then(end, end)
  await until('it is settled', 30_000, async () => {
    await clock.advance(1_000)
    return state.settled ? true : undefined
  })
  return promise
}

/** Waits for a fact while time goes on. */
const untilTurned = <Fact>({ clock }: TestEngine, what: string, look: () => Promise<Fact | undefined>): Promise<Fact> =>
  until(what, 30_000, async () => {
    await clock.advance(1_000)
    return look()
  })

const completed = async ({ world }: Upkept): Promise<readonly TaskId[]> => {
  await turning(world, world.register('order', [{ name: 'a' }]))
  const worker = world.worker()
  const taskIds: TaskId[] = []
  for (let n = 1; n <= TASKS; n++) {
    const answers = world.submit(submissionOf(n, { idempotencyKey: `k${n}` }))
    const answer = await untilTurned(world, 'the submission is answered', () => Promise.resolve(answers[0]))
    if (answer.type !== 'created') throw new Error(JSON.stringify(answer))
    taskIds.push(answer.taskId)
  }
  await untilTurned(world, 'all tasks are complete', async () => {
    for (const command of worker.open) worker.complete(command)
    await settled()
    const rows = await query(database.url, `select 1 from task where status = 'complete'`)
    return rows.length === TASKS ? true : undefined
  })
  return taskIds
}

const projectionsOf = ({ world }: Upkept) => present(world.engine.projections, 'the upkeep')

const rebuilt = async (upkept: Upkept, name: 'task' | 'activity' | 'identity'): Promise<void> => {
  await projectionsOf(upkept).rebuild(name)
  await untilTurned(upkept.world, `${name} is built anew`, async () => {
    const status = (await projectionsOf(upkept).status()).find((one) => one.name === name)
    return status?.rebuild === undefined ? true : undefined
  })
}

const verified = async (upkept: Upkept, ...names: Parameters<ReturnType<typeof projectionsOf>['verify']>[0]) => {
  expect(projectionsOf(upkept).verify(names)).not.toBe('running')
  expect(projectionsOf(upkept).verify(names)).toBe('running')
  return untilTurned(upkept.world, 'the rows are compared', () => {
    const { verification } = projectionsOf(upkept)
    return Promise.resolve(verification?.state === 'running' ? undefined : verification)
  })
}

/** A store whose answers are lost, each once. */
const forgetful = (store: RebuildStore): RebuildStore => {
  const lost = new Set<string>()
  const once = async <Result>(what: string, call: () => Promise<Result>): Promise<Result> => {
    const result = await call()
    if (lost.has(what)) return result
    lost.add(what)
    throw new Error(`the answer of ${what} was lost`)
  }
  return {
    built: () => store.built(),
    open: () => store.open(),
    request: (...asked) => store.request(...asked),
    analyse: (rebuild) => store.analyse(rebuild),
    close: () => store.close(),
    begin: (rebuild) => once('begin', () => store.begin(rebuild)),
    write: (rebuild, write) => once(`write ${write.next.phase}`, () => store.write(rebuild, write)),
    swap: (rebuild) => once('swap', () => store.swap(rebuild)),
  }
}

test('a rebuild whose answers are lost does each turn once: sums are what they were', async () => {
  const upkept = await startUpkept(forgetful)
  await completed(upkept)
  const rows = await dumpRows(database.url)
  await query(database.url, 'update activity set completed = completed + 1')
  expect((await verified(upkept, 'activity')).differences.get('activity')).toBe(rows.activity.length)
  expect(projectionsOf(upkept).findings.get('activity')?.count).toBe(rows.activity.length)
  await rebuilt(upkept, 'activity')
  expect(await dumpRows(database.url)).toEqual(rows)
  await untilTurned(upkept.world, 'nothing is said to differ', () =>
    Promise.resolve(projectionsOf(upkept).findings.size === 0 ? true : undefined),
  )
})

/** What an archive leaves of a task: its last event, and no row. */
const archive = async (taskId: TaskId): Promise<void> => {
  const log = await openPostgresLog({ url: database.url, partitionCount: PARTITIONS })
  const commits = await commitsOf(log, taskId)
  const last = present(commits.at(-1), 'the last commit')
  const { seq } = await log.head(last.partition)
  const { hash: previous, ...content } = last
  const tombstone = { ...content, firstVersion: last.firstVersion + last.types.length, types: ['task.archived'], text: '[{}]' }
  const commit = { ...tombstone, hash: commitHash(tombstone, previous) }
  expect(await log.append([{ seq: seq + 1, commit }])).toEqual({ type: 'appended' })
  await log.close()
  await query(
    database.url,
    `with gone as (delete from event_commit where stream_id = $1 and types <> array['task.archived']),
      unlisted as (delete from task where task_id = $1), unheld as (delete from identity where task_id = $1)
    update projection_checkpoint set seq = $2 where partition = $3`,
    [taskId, seq + 1, last.partition],
  )
}

test('a task whose history is in an archive has no rows: none is missed, and a rebuild brings none back', async () => {
  const first = await startUpkept()
  const [taskId] = await completed(first)
  await first.stop()
  await archive(present(taskId, 'a task'))
  const upkept = await startUpkept()
  const rows = await dumpRows(database.url)
  expect(rows.task).toHaveLength(TASKS - 1)
  expect(await verified(upkept, 'task', 'identity', 'timer', 'ready_step', 'dead_letter', 'key')).toMatchObject({
    state: 'done',
    differences: new Map(),
    unreadable: 0,
  })
  await rebuilt(upkept, 'task')
  await rebuilt(upkept, 'identity')
  expect(await dumpRows(database.url)).toEqual(rows)
})

test('rows are read page by page with the ids of their streams, and strays fall into the page of their place', async () => {
  const upkept = await startUpkept()
  const taskIds = (await completed(upkept)).toSorted()
  await upkept.stop()
  const stray = present(parseTaskId('00000000000000000000000001'), 'an id before all others')
  const last = present(parseTaskId('7ZZZZZZZZZZZZZZZZZZZZZZZZZ'), 'an id behind all others')
  for (const id of [stray, last])
    await query(database.url, `insert into timer (task_id, kind, step, attempt, due_at_ms) values ($1, 'retry', 'a', 1, 5)`, [id])
  const rows = openAuditorRows({ url: database.url, checkpoints: PROJECTION })
  onTestFinished(() => rows.close())
  const first = await rows.tasks('', 4)
  expect(first.ids).toEqual(taskIds.slice(0, 4))
  expect(first.upTo).toBe(taskIds[3])
  expect(first.rows.task.map((row) => row['task_id']).toSorted()).toEqual(taskIds.slice(0, 4))
  expect(first.rows.timer.map((row) => row['task_id'])).toEqual([stray])
  const second = await rows.tasks(first.upTo ?? '', 4)
  expect(second.ids).toEqual(taskIds.slice(4))
  expect(second.upTo).toBeUndefined()
  expect(second.rows.timer.map((row) => row['task_id'])).toEqual([last])
  expect(second.checkpoints.size).toBe(PARTITIONS)
  const holders = await rows.holdersAfter('', 100)
  expect(holders.map(({ taskId }) => taskId).toSorted()).toEqual(taskIds)
  expect(holders.every(({ taskId, first: commit }) => commit?.stream.id === taskId)).toBe(true)
})
