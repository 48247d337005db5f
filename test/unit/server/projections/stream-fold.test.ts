import { handlerQueue, handlerName, namespaceOf, type Partition, type Plan, queueName, type TaskId } from '@tasker/core'
import { keyStreamRef } from '@tasker/server/internal/log/key-codec'
import type { StoredCommit } from '@tasker/server/internal/log/port'
import { projectionOf } from '@tasker/server/internal/projections/fold/projections'
import { foldStreams, type FoldScope, StreamFold } from '@tasker/server/internal/projections/fold/stream-fold'
import { expect, test } from 'vitest'
import { commitsOf, SHOP, startTestEngine, submissionOf, type TestEngine } from '../../../support/engine.js'
import { settled } from '../../../support/virtual-clock.js'

const EVERYTHING = Number.MAX_SAFE_INTEGER

/** A task of one step that ran to its end, and its commits. */
const completedTask = async () => {
  const world = await startTestEngine()
  await world.register('order', [{ name: 'a' }])
  const taskId = await world.submitted(submissionOf(1, { idempotencyKey: 'k' }))
  const worker = world.worker()
  await settled()
  await worker.workOff()
  const commits = await commitsOf(world.log, taskId)
  return { world, taskId, commits }
}

const plansOf =
  ({ engine }: TestEngine): FoldScope['plans'] =>
  (): Plan | undefined =>
    engine.template(SHOP, 'order', undefined)?.plan

const upTo = (partition: Partition, seq: number): FoldScope['upTo'] => new Map([[partition, seq]])

const foldOf = (commits: readonly StoredCommit[], taskId: TaskId, scope: FoldScope): StreamFold => {
  const fold = new StreamFold({ kind: 'task', id: taskId }, scope)
  for (const commit of commits) fold.add(commit)
  return fold
}

const partitionOf = (commits: readonly StoredCommit[]): Partition => {
  const [first] = commits
  if (first === undefined) throw new Error('a stream has commits')
  return first.partition
}

test('a stream folded to its end is what the engine has, and gives its rows', async () => {
  const { world, taskId, commits } = await completedTask()
  const partition = partitionOf(commits)
  const folded = foldOf(commits, taskId, { plans: plansOf(world), upTo: upTo(partition, EVERYTHING) }).result()
  const live = await world.engine.read(taskId)
  expect(folded).toMatchObject({ type: 'task', taskId, version: live?.version, partition, firstSeq: commits[0]?.seq })
  expect(folded.type === 'task' ? folded.state : undefined).toEqual(live?.state)
  expect(projectionOf('task').records(folded)).toMatchObject([{ task_id: taskId, status: 'complete' }])
  expect(projectionOf('identity').records(folded)).toHaveLength(1)
  expect(projectionOf('timer').records(folded)).toEqual([])
})

test('commits behind the asked seq do not count, and a stream that begins there is nothing', async () => {
  const { world, taskId, commits } = await completedTask()
  const partition = partitionOf(commits)
  const [first] = commits
  const early = foldOf(commits, taskId, { plans: plansOf(world), upTo: upTo(partition, first?.seq ?? 0) }).result()
  expect(early).toMatchObject({ type: 'task', version: first?.types.length })
  expect(projectionOf('ready_step').records(early)).toMatchObject([{ step: 'a', queue: handlerQueue(handlerName('work')) }])
  const before = foldOf(commits, taskId, { plans: plansOf(world), upTo: upTo(partition, (first?.seq ?? 0) - 1) })
  expect(before.result()).toEqual({ type: 'nothing', activity: [] })
  expect(foldOf(commits, taskId, { plans: plansOf(world), upTo: new Map() }).result()).toEqual({ type: 'nothing', activity: [] })
})

test('only the commits that are asked for add to the sums of their hours', async () => {
  const { world, taskId, commits } = await completedTask()
  const partition = partitionOf(commits)
  const [first, ...later] = commits
  const sumsOf = (counts: FoldScope['counts']) => {
    const folded = foldOf(commits, taskId, { plans: plansOf(world), upTo: upTo(partition, EVERYTHING), counts }).result()
    return projectionOf('activity').records(folded)
  }
  expect(sumsOf(undefined)).toEqual([])
  expect(sumsOf((commit) => commit === first)).toMatchObject([{ submitted: 1, completed: 0 }])
  const ended = sumsOf((commit) => later.includes(commit))
  expect(ended.map((row) => row['completed'])).toEqual([1, 1])
  expect(ended.map((row) => row['submitted'])).toEqual([0, 0])
})

test('a stream whose history is in the archive gives no rows, and says so when that came later than it was asked for', async () => {
  const { world, taskId, commits } = await completedTask()
  const partition = partitionOf(commits)
  const last = commits.at(-1)
  if (last === undefined) throw new Error('a stream has commits')
  const firstVersion = last.firstVersion + last.types.length
  const tombstone: StoredCommit = { ...last, seq: last.seq + 5, firstVersion, types: ['task.archived'], text: '[{}]' }
  const scope = { plans: plansOf(world), upTo: upTo(partition, tombstone.seq) }
  for (const rest of [[tombstone], [...commits, tombstone]]) {
    const fold = foldOf(rest, taskId, scope)
    expect(fold.result()).toMatchObject({ type: 'nothing' })
    expect(fold.archivedLater).toBe(false)
  }
  const later = foldOf([tombstone], taskId, { ...scope, upTo: upTo(partition, last.seq) })
  expect(later.archivedLater).toBe(true)
})

test('a stream that cannot be read from a place on says where, and gives the rows of what came before', async () => {
  const { world, taskId, commits } = await completedTask()
  const partition = partitionOf(commits)
  const scope = { plans: plansOf(world), upTo: upTo(partition, EVERYTHING) }
  const [first, second] = commits
  if (first === undefined || second === undefined) throw new Error('a stream has commits')
  const unknown = foldOf([first, { ...second, types: second.types.map(() => 'step.invented') }], taskId, scope).result()
  expect(unknown).toMatchObject({
    type: 'unreadable',
    position: `${partition}:${second.seq}`,
    before: { version: first.types.length },
  })
  expect(projectionOf('task').records(unknown)).toMatchObject([{ stream_version: first.types.length }])
  expect(foldOf([second], taskId, scope).result()).toMatchObject({ type: 'unreadable', before: undefined })
  expect(foldOf([first], taskId, { ...scope, plans: () => undefined }).result()).toMatchObject({
    type: 'unreadable',
    message: 'its template is not in the log',
  })
})

test('streams that come one after another are folded one by one, also across pages', async () => {
  const world = await startTestEngine()
  await world.register('order', [{ name: 'a' }])
  const taskIds = [
    await world.submitted(submissionOf(1)),
    await world.submitted(submissionOf(2)),
    await world.submitted(submissionOf(3)),
  ]
  const pages = async function* (): AsyncGenerator<readonly StoredCommit[]> {
    for await (const page of world.log.readKind('task')) for (const commit of page) yield [commit]
  }
  const checkpoints = new Map<Partition, number>()
  for await (const page of world.log.readKind('task')) for (const { partition } of page) checkpoints.set(partition, EVERYTHING)
  const found: string[] = []
  for await (const fold of foldStreams(pages(), { plans: plansOf(world), upTo: checkpoints })) {
    expect(fold.result().type).toBe('task')
    found.push(fold.stream.id)
  }
  expect(found).toEqual(taskIds.toSorted())
})

test('a key is folded to its row', async () => {
  const { commits } = await completedTask()
  const [first] = commits
  if (first === undefined) throw new Error('a stream has commits')
  const queue = queueName('key api')
  const stream = keyStreamRef(namespaceOf('shop'), queue)
  const place = { taskId: first.stream.id, step: 'a', attempt: 1 }
  const granted: StoredCommit = {
    ...first,
    stream,
    types: ['key.granted'],
    text: JSON.stringify([{ ...place, limit: 2 }]),
  }
  const fold = new StreamFold(stream, { plans: () => undefined, upTo: upTo(first.partition, EVERYTHING) })
  fold.add(granted)
  expect(fold.result()).toMatchObject({ type: 'key', row: { namespace: 'shop', queue, streamVersion: 1 } })
  expect(projectionOf('key').records(fold.result())).toMatchObject([{ namespace: 'shop', queue, places: 1, stream_version: 1 }])
})
