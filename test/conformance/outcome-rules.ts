/** The rules W15 to W17 of `WorkerService.Connect`: decisions, batches and checkpoints, each with its tests. */
import { afterEach, expect, test } from 'vitest'
import { prepareGround, type ConformanceServer, type Ground } from './ground.js'
import { json, valueOf, type RawCommand, type RawRef } from './raw-client.js'
import { startWorker, type RawWorker, type RawWorkerOptions } from './raw-worker.js'

const ORDER = [
  { name: 'check' },
  { name: 'route', type: 'decision', dependencies: ['check'] },
  { name: 'fast', dependencies: ['route'] },
  { name: 'careful', dependencies: ['route'] },
  { name: 'done', type: 'deferred_convergence', dependencies: ['fast', 'careful'] },
]
const IMPORT = [
  { name: 'split', type: 'batchable', handler: { callable: 'Handle.split', initialization: { batch_size: 50, max_workers: 3 } } },
  { name: 'part', type: 'batch_worker', dependencies: ['split'], batch_config: { parallelism: 2, failure_strategy: 'isolate' } },
  { name: 'sum', type: 'deferred_convergence', dependencies: ['part'] },
]
const HANDLERS = ['check', 'route', 'fast', 'careful', 'done', 'split', 'part', 'sum', 'only'].map((name) => `Handle.${name}`)
const RECORDED = { status: 'ACK_STATUS_RECORDED' }

export const outcomeRules = (server: () => ConformanceServer): void => {
  const grounds: Ground[] = []
  const workers: RawWorker[] = []
  const ground = async (steps: Parameters<typeof prepareGround>[1]): Promise<Ground> => {
    const made = await prepareGround(server(), steps)
    grounds.push(made)
    return made
  }
  const worker = async (at: Ground, more: Partial<RawWorkerOptions> = {}): Promise<RawWorker> => {
    const made = await startWorker(at.client, { namespace: at.namespace, handlers: HANDLERS, ...more })
    workers.push(made)
    return made
  }
  afterEach(async () => {
    for (const made of workers.splice(0)) await made.break()
    for (const made of grounds.splice(0)) made.close()
  })

  /** Says the end of an attempt, and waits for its acknowledgement. */
  const say = async (one: RawWorker, ref: RawRef, outcome: object) => {
    one.send({ results: [{ ref, ...outcome }] })
    return one.ack()
  }
  const statuses = async (at: Ground, taskId: string) =>
    Object.fromEntries((await at.task(taskId)).steps.map(({ step_id, status }) => [step_id, status]))
  const createdIn = async (at: Ground, taskId: string) =>
    (await at.history(taskId)).flatMap(({ type, data }) => (type === 'steps.created' ? [valueOf(data)] : []))

  const atRoute = async () => {
    const at = await ground(ORDER)
    const one = await worker(at)
    const taskId = await at.submit()
    const check = await one.command()
    await say(one, check.ref, { success: json({ total: 7 }) })
    return { at, one, taskId, route: await one.command() }
  }

  test('W15: a decision opens the steps it names; they are there when it is acknowledged', async () => {
    const { at, one, taskId, route } = await atRoute()
    expect([route.step_type, await statuses(at, taskId)]).toEqual(['decision', { check: 'complete', route: 'in_progress' }])
    const made = { output: json({ score: 9 }), create_steps: { names: ['careful'] } }
    expect(await say(one, route.ref, { decision: made })).toMatchObject(RECORDED)
    expect(Object.keys(await statuses(at, taskId)).toSorted()).toEqual(['careful', 'check', 'done', 'route'])
    const careful = await one.command()
    expect(careful.dependencies.map(({ step_id, output }) => [step_id, valueOf(output)])).toEqual([
      ['check', { total: 7 }],
      ['route', { score: 9 }],
    ])
    expect(await say(one, route.ref, { decision: made })).toMatchObject({ status: 'ACK_STATUS_DUPLICATE' })
    await say(one, careful.ref, { success: json(1) })
    await say(one, (await one.command()).ref, { success: json('end') })
    expect((await at.task(taskId)).status).toBe('complete')
    expect(await createdIn(at, taskId)).toEqual([
      { segment: 'initial', steps: ['check', 'route'] },
      { segment: 'decision', decision: 'route', chosen: ['careful'], steps: ['careful', 'done'], not_taken: ['fast'] },
    ])
  })

  test('W15: a decision for no branch ends the task when nothing else waits', async () => {
    const { at, one, taskId, route } = await atRoute()
    await say(one, route.ref, { decision: { output: json('nothing to do'), no_branches: { reason: 'closed' } } })
    expect((await at.task(taskId)).status).toBe('complete')
  })

  test('W15: a decision that cannot be carried out, or another kind of outcome, fails its step for good', async () => {
    for (const outcome of [
      { decision: { output: json(1), create_steps: { names: ['nobody'] } } },
      { decision: { output: json(1), create_steps: { names: [] } } },
      { decision: { output: json(1) } },
      { success: json(1) },
      { batches: { output: json(1), no_batches: {} } },
    ]) {
      const { at, one, taskId, route } = await atRoute()
      expect(await say(one, route.ref, outcome)).toMatchObject(RECORDED)
      const task = await at.task(taskId)
      expect(task.status).toBe('blocked_by_failures')
      const failure = task.steps.find(({ step_id }) => step_id === 'route')?.last_failure
      expect([failure?.retryable, ['BAD_DECISION', 'OUTCOME_NOT_EXPECTED'].includes(failure?.code ?? '')]).toEqual([false, true])
    }
  })

  const atSplit = async (more: Partial<RawWorkerOptions> = {}) => {
    const at = await ground(IMPORT)
    const one = await worker(at, more)
    const taskId = await at.submit()
    return { at, one, taskId, split: await one.command() }
  }
  const range = (start: unknown, end: unknown, id = '') => ({ id, start: json(start), end: json(end), size: 10 })

  test('W15: an analyzer hears what the template allows, and each range gets a worker; no more at once than the parallelism', async () => {
    const { at, one, taskId, split } = await atSplit()
    expect(split).toMatchObject({
      step_type: 'batchable',
      batch_limits: { worker_template: 'part', batch_size: 50, max_workers: 3 },
    })
    const ranges = [range({ page: 1 }, { page: 2 }), range('m', null, 'north'), range([3], [4])]
    await say(one, split.ref, { batches: { output: json({ found: 30 }), create_batches: { ranges, total_items: 30 } } })
    const [first, second] = [await one.command(), await one.command()]
    expect(await statuses(at, taskId)).toMatchObject({ part_001: 'in_progress', part_north: 'in_progress', part_003: 'pending' })
    expect([first.handler, first.step_type, valueOf(first.batch?.start), valueOf(first.batch?.end)]).toEqual([
      'Handle.part',
      'batch_worker',
      { page: 1 },
      { page: 2 },
    ])
    expect(second.batch).toMatchObject({ id: 'north', index: 1, count: 3, size: 10, is_no_op: false, worker_template: 'part' })
    await say(one, first.ref, { success: json(1) })
    const third = await one.command()
    expect(third.ref.step_id).toBe('part_003')
    await say(one, second.ref, { success: json(2) })
    await say(one, third.ref, { success: json(3) })
    const sum = await one.command()
    expect(sum.dependencies.map(({ step_id, output }) => [step_id, valueOf(output)])).toEqual([
      ['split', { found: 30 }],
      ['part_001', 1],
      ['part_north', 2],
      ['part_003', 3],
    ])
  })

  test('W15: more ranges than workers are joined where they meet, and refused where they do not', async () => {
    const { one, split } = await atSplit()
    const four = [range(0, 10), range(10, 20), range(20, 30), range(30, 40)]
    await say(one, split.ref, { batches: { output: json(1), create_batches: { ranges: four } } })
    const seen: RawCommand[] = [await one.command(), await one.command()]
    expect(seen.map(({ batch }) => [valueOf(batch?.start), valueOf(batch?.end), batch?.count])).toEqual([
      [0, 10, 3],
      [10, 20, 3],
    ])
    const other = await atSplit()
    const gap = [range(0, 10), range(10, 20), range(20, 30), range(35, 40)]
    await say(other.one, other.split.ref, { batches: { output: json(1), create_batches: { ranges: gap } } })
    expect((await other.at.task(other.taskId)).steps[0]?.last_failure).toMatchObject({ code: 'BAD_BATCHES', retryable: false })
  })

  test('W15: a batch with nothing to do has one worker that hears so, and what waits for the batch goes on', async () => {
    const { at, one, taskId, split } = await atSplit()
    await say(one, split.ref, { batches: { output: json(null), no_batches: { reason: 'empty file' } } })
    const only = await one.command()
    expect(only).toMatchObject({ ref: { step_id: 'part_000' }, batch: { is_no_op: true, count: 1 } })
    await say(one, only.ref, { success: json(0) })
    await say(one, (await one.command()).ref, { success: json(0) })
    expect((await at.task(taskId)).status).toBe('complete')
  })

  const save = (number: number, cursor: unknown, more: object = {}) => ({
    checkpoint: { number, cursor: json(cursor), items_processed: 10 * number, ...more },
  })
  const RETRIED = [{ name: 'only', timeout_seconds: 1, retry: { max_attempts: 3, backoff: 'none' } }]

  test('W16: a checkpoint is acknowledged by its number, a repeat of it as a duplicate; the attempt goes on with its time renewed', async () => {
    const at = await ground(RETRIED)
    const one = await worker(at)
    const taskId = await at.submit()
    const { ref } = await one.command()
    const begunAt = Date.now()
    for (let number = 1; Date.now() - begunAt < 1_500; number++) {
      expect(await say(one, ref, save(number, { page: number }))).toMatchObject({ ...RECORDED, ref, checkpoint: number })
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
    expect(await say(one, ref, save(1, 'other'))).toMatchObject({ status: 'ACK_STATUS_DUPLICATE', checkpoint: 1 })
    expect(await say(one, ref, { success: json('done') })).toMatchObject({ ...RECORDED, checkpoint: 0 })
    const [step] = (await at.task(taskId)).steps
    expect(step).toMatchObject({ status: 'complete', attempts: 1 })
  })

  test('W16: a checkpoint that is too large or unreadable is refused, and the attempt goes on without it', async () => {
    const at = await ground(RETRIED)
    const one = await worker(at)
    await at.submit()
    const { ref } = await one.command()
    const large = save(1, 'x'.repeat(1024 * 1024))
    expect(await say(one, ref, large)).toMatchObject({
      status: 'ACK_STATUS_REFUSED',
      reason: 'CHECKPOINT_TOO_LARGE',
      checkpoint: 1,
    })
    expect(await say(one, ref, { checkpoint: { number: 2, cursor: { data: Buffer.from('{') } } })).toMatchObject({
      status: 'ACK_STATUS_REFUSED',
      reason: 'CHECKPOINT_NOT_READ',
      checkpoint: 2,
    })
    expect(await say(one, ref, { success: json(1) })).toMatchObject(RECORDED)
  })

  test('W16, W17: what was saved outlives a failure and a dead worker; a late checkpoint is ignored', async () => {
    const at = await ground(RETRIED)
    const one = await worker(at)
    const taskId = await at.submit()
    const first = await one.command()
    expect(first.checkpoint).toBeNull()
    await say(one, first.ref, save(1, { page: 4 }, { accumulated: json([1, 2]) }))
    await say(one, first.ref, { failure: { message: 'the disk is full', retryable: true } })
    const second = await one.command()
    expect([
      valueOf(second.checkpoint?.cursor),
      second.checkpoint?.items_processed,
      valueOf(second.checkpoint?.accumulated),
    ]).toEqual([{ page: 4 }, 10, [1, 2]])
    expect(await say(one, first.ref, save(2, 'late'))).toMatchObject({ status: 'ACK_STATUS_IGNORED', checkpoint: 2 })
    await say(one, second.ref, save(1, { page: 9 }))
    await one.break()
    const other = await worker(at)
    const third = await other.command()
    expect([third.ref.attempt, valueOf(third.checkpoint?.cursor), third.checkpoint?.accumulated]).toEqual([3, { page: 9 }, null])
    await say(other, third.ref, { success: json('end') })
    expect((await at.task(taskId)).status).toBe('complete')
  })

  test('W9, W16: a checkpoint whose acknowledgement was lost is sent again after the reconnect and counts once', async () => {
    const at = await ground(RETRIED)
    const before = await worker(at)
    const taskId = await at.submit()
    const { ref } = await before.command()
    await say(before, ref, save(1, 'here'))
    await before.break()
    const after = await worker(at, { workerId: before.workerId, running: [ref] })
    expect(await say(after, ref, save(1, 'here'))).toMatchObject({ status: 'ACK_STATUS_DUPLICATE', checkpoint: 1 })
    await say(after, ref, { success: json(1) })
    expect((await at.history(taskId)).filter(({ type }) => type === 'step.checkpointed')).toHaveLength(1)
  })

  test('W10: workers of a batch that one failure ends are asked to stop, and what they say afterwards is ignored', async () => {
    const fast = IMPORT.map((step) =>
      step.name === 'part'
        ? { ...step, retry: { max_attempts: 1 }, batch_config: { parallelism: 2, failure_strategy: 'fail_fast' } }
        : step,
    )
    const at = await ground(fast)
    const one = await worker(at)
    const taskId = await at.submit()
    const split = await one.command()
    const ranges = [range(0, 1), range(1, 2), range(2, 3)]
    await say(one, split.ref, { batches: { output: json(1), create_batches: { ranges } } })
    const [first, second] = [await one.command(), await one.command()]
    await say(one, first.ref, { failure: { message: 'broken', retryable: true } })
    expect(await one.cancellation()).toEqual(second.ref)
    expect(await say(one, second.ref, { success: json(1) })).toMatchObject({ status: 'ACK_STATUS_IGNORED' })
    expect(await statuses(at, taskId)).toMatchObject({ part_001: 'error', part_002: 'cancelled', part_003: 'cancelled' })
    expect((await at.task(taskId)).status).toBe('blocked_by_failures')
  })
}
