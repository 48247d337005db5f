/** One order to many tasks, over the rows of the read side and a whole engine. */
import { namespaceOf, taskRow, type TaskId, type TaskStatus } from '@tasker/core'
import { type BulkAction, type BulkOrder, runBulk } from '@tasker/server/internal/operators/bulk'
import type { Query, TaskListing } from '@tasker/server/internal/query/query'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startTestEngine, submissionOf, type TestEngine } from '../../../support/engine.js'

let engine: TestEngine
let tasks: TaskId[]
const listings: TaskListing[] = []

beforeEach(async () => {
  listings.length = 0
  engine = await startTestEngine()
  await engine.register('order', [{ name: 'a' }])
  tasks = [
    await engine.submitted(submissionOf(1)),
    await engine.submitted(submissionOf(2)),
    await engine.submitted(submissionOf(3)),
  ]
})
afterEach(() => engine.engine.stop())

/** Shows the rows as they were when it was asked, whatever the statuses. */
const query: Pick<Query, 'listTasks'> = {
  listTasks: async (listing) => {
    listings.push(listing)
    const snapshots = await Promise.all(tasks.map((taskId) => engine.engine.read(taskId)))
    const rows = snapshots.flatMap((task) => (task === undefined ? [] : [taskRow(task.taskId, task.state, task.version)]))
    return { rows: rows.slice(0, listing.limit), nextCursor: (listing.limit ?? 50) < rows.length ? 'next' : undefined }
  },
}

const run = (action: BulkAction, more: Partial<BulkOrder> = {}) =>
  engine.soon(
    runBulk(engine.engine, query, {
      action,
      filter: { namespace: namespaceOf('shop') },
      dryRun: false,
      reason: undefined,
      actor: 'ops',
      limit: undefined,
      cursor: undefined,
      ...more,
    }),
  )

test('each task answers for itself, and what it refuses is told with its reason', async () => {
  const [, second] = tasks
  if (second === undefined) throw new Error('three tasks were submitted')
  await engine.soon(engine.engine.order(second, { type: 'pause' }, 'ops'))
  const report = await run('pause', { reason: 'release' })
  expect(report.tasks.map(({ outcome, fault }) => [outcome, fault?.reason])).toEqual([
    ['done', undefined],
    ['refused', 'TASK_ALREADY_PAUSED'],
    ['done', undefined],
  ])
  expect(await engine.types(tasks[0] ?? second)).toContain('task.paused')
})

test('a dry run tells which tasks are meant and leaves them as they are', async () => {
  const report = await run('cancel', { dryRun: true })
  expect(report.tasks.map(({ outcome, status }) => [outcome, status])).toEqual(tasks.map(() => ['would', 'pending']))
  for (const taskId of tasks) expect(await engine.types(taskId)).not.toContain('task.cancel_requested')
})

test('a page is bounded, goes on by its cursor, and is ordered by age', async () => {
  const first = await run('cancel', { limit: 2 })
  expect([first.tasks.length, first.nextCursor]).toEqual([2, 'next'])
  await run('cancel', { limit: 2, cursor: 'next' })
  expect(listings[1]).toMatchObject({ start: { type: 'cursor', cursor: 'next' }, sort: { by: 'created_at', direction: 'asc' } })
})

test('only statuses in which the order makes sense are looked for', async () => {
  const asked = async (action: BulkAction, statuses?: readonly TaskStatus[]) => {
    await run(action, { dryRun: true, filter: { namespace: namespaceOf('shop'), ...(statuses && { statuses }) } })
    return listings.at(-1)?.filter.statuses
  }
  expect(await asked('retry')).toEqual(['blocked_by_failures'])
  expect(await asked('resume')).toEqual(['paused'])
  expect(await asked('resume', ['blocked_by_failures', 'complete'])).toEqual(['blocked_by_failures'])
  expect(await asked('cancel')).not.toContain('complete')
  expect(await asked('pause')).not.toContain('cancelling')
})

test('a filter that fits no order asks nobody; one that says nothing is refused', async () => {
  const over = await run('cancel', { filter: { statuses: ['complete'] } })
  expect(over).toEqual({ tasks: [], nextCursor: undefined })
  expect(listings).toEqual([])
  const empty = { action: 'cancel', filter: {}, dryRun: false, actor: 'ops' } as const
  const refused = runBulk(engine.engine, query, { ...empty, reason: undefined, limit: undefined, cursor: undefined })
  await expect(refused).rejects.toMatchObject({ detail: { reason: 'INVALID_REQUEST' } })
})
