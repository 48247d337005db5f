/** The rules W1 to W14 of `WorkerService.Connect`, each with its tests. */
import { status } from '@grpc/grpc-js'
import { afterEach, expect, test } from 'vitest'
import { prepareGround, type ConformanceServer, type Ground } from './ground.js'
import { json, valueOf, type RawRef, type RawTask } from './raw-client.js'
import { makeId, startWorker, type RawWorker, type RawWorkerOptions } from './raw-worker.js'

const HANDLER = 'Handle.only'
const FAST_RETRY = { retry: { max_attempts: 3, backoff: 'none' } }

export const workerRules = (server: () => ConformanceServer): void => {
  const grounds: Ground[] = []
  const workers: RawWorker[] = []
  const ground = async (...steps: Parameters<typeof prepareGround>[1] & object): Promise<Ground> => {
    const made = await prepareGround(server(), steps.length === 0 ? undefined : steps)
    grounds.push(made)
    return made
  }
  const worker = async (at: Ground, more: Partial<RawWorkerOptions> = {}): Promise<RawWorker> => {
    const made = await startWorker(at.client, { namespace: at.namespace, handlers: [HANDLER], ...more })
    workers.push(made)
    return made
  }
  afterEach(async () => {
    for (const made of workers.splice(0)) await made.break()
    for (const made of grounds.splice(0)) made.close()
  })

  const stepOf = async (at: Ground, taskId: string, stepId = 'only') => {
    const found = (await at.task(taskId)).steps.find((step) => step.step_id === stepId)
    if (found === undefined) throw new Error(`no step ${stepId}`)
    return found
  }

  test('W1: the welcome is the first thing a worker hears', async () => {
    const at = await ground()
    await at.submit()
    const { stream, welcome, command } = await worker(at)
    expect(stream.inbox.messages[0]?.welcome).toEqual(welcome)
    expect(welcome.heartbeat_interval_ms).toBeGreaterThan(0)
    expect(welcome.silence_ms).toBeGreaterThan(welcome.heartbeat_interval_ms)
    expect(welcome.result_bytes_max).toBeGreaterThan(0)
    expect((await command()).handler).toBe(HANDLER)
  })

  test('W12: a first message without a usable hello ends the stream with INVALID_ARGUMENT', async () => {
    const at = await ground()
    for (const message of [
      {},
      { drain: {} },
      { hello: { worker_id: 'no ulid', namespace: at.namespace, handlers: ['x'], slots: 1 } },
    ]) {
      const stream = at.client.connect()
      stream.write(message)
      expect((await stream.ended).code).toBe(status.INVALID_ARGUMENT)
    }
  })

  test('W3: no more attempts are out than the worker has slots; an acknowledged result frees one', async () => {
    const at = await ground()
    const only = await worker(at, { slots: 2 })
    const tasks = await Promise.all([1, 2, 3, 4, 5].map(() => at.submit()))
    const [first, second] = [await only.command(), await only.command()]
    const running = async (): Promise<number> => {
      const all = await Promise.all(tasks.map((taskId) => stepOf(at, taskId)))
      return all.filter((step) => step.status === 'in_progress').length
    }
    expect(await running()).toBe(2)
    only.succeed(first.ref)
    await only.ack()
    const third = await only.command()
    expect(await running()).toBe(2)
    for (const { ref } of [second, third]) only.succeed(ref)
    for (const { ref } of [await only.command(), await only.command()]) only.succeed(ref)
    for (let acks = 0; acks < 4; acks++) expect((await only.ack()).status).toBe('ACK_STATUS_RECORDED')
    expect(only.commands()).toHaveLength(5)
  })

  test('W4, W5: what was acknowledged as recorded is in the log; the same result sent again changes nothing (W6)', async () => {
    const at = await ground()
    const one = await worker(at)
    const taskId = await at.submit()
    const { ref } = await one.command()
    one.succeed(ref, { total: 42 })
    expect(await one.ack()).toMatchObject({ ref, status: 'ACK_STATUS_RECORDED' })
    const recorded = await at.task(taskId)
    expect(recorded.status).toBe('complete')
    expect(valueOf(recorded.steps[0]?.output)).toEqual({ total: 42 })
    one.succeed(ref, { total: 42 })
    expect(await one.ack()).toMatchObject({ ref, status: 'ACK_STATUS_DUPLICATE' })
    expect((await at.task(taskId)).stream_version).toBe(recorded.stream_version)
  })

  test('W6: a result of an attempt that was timed out is ignored, and the next attempt goes on', async () => {
    const at = await ground({ name: 'only', timeout_seconds: 0.3, ...FAST_RETRY })
    const one = await worker(at)
    const taskId = await at.submit()
    const late = await one.command()
    const next = await one.command()
    expect(next.ref).toEqual({ ...late.ref, attempt: 2 })
    one.succeed(late.ref, 'late')
    expect(await one.ack()).toMatchObject({ ref: late.ref, status: 'ACK_STATUS_IGNORED' })
    one.succeed(next.ref, 'in time')
    expect(await one.ack()).toMatchObject({ ref: next.ref, status: 'ACK_STATUS_RECORDED' })
    expect(valueOf((await stepOf(at, taskId)).output)).toBe('in time')
  })

  test('W6: a result for a task, step or attempt that does not exist is refused with a reason, and the stream lives on', async () => {
    const at = await ground()
    const one = await worker(at)
    await at.submit()
    const { ref } = await one.command()
    const wrong: readonly RawRef[] = [
      { ...ref, task_id: makeId() },
      { ...ref, step_id: 'nobody' },
      { ...ref, attempt: 7 },
      { ...ref, task_id: 'no ulid' },
    ]
    for (const nobody of wrong) {
      one.succeed(nobody)
      const ack = await one.ack()
      expect(ack).toMatchObject({ ref: nobody, status: 'ACK_STATUS_REFUSED' })
      expect(ack.reason).not.toBe('')
    }
    one.succeed(ref)
    expect((await one.ack()).status).toBe('ACK_STATUS_RECORDED')
  })

  test('W6: a result that is no JSON fails its step for good, or is refused; the stream lives on', async () => {
    const at = await ground()
    const one = await worker(at)
    await at.submit()
    await at.submit()
    const [bad, good] = [await one.command(), await one.command()]
    one.send({ results: [{ ref: bad.ref, success: { data: Buffer.from('{"a":') } }] })
    expect(['ACK_STATUS_RECORDED', 'ACK_STATUS_REFUSED']).toContain((await one.ack()).status)
    one.succeed(good.ref)
    expect(await one.ack()).toMatchObject({ ref: good.ref, status: 'ACK_STATUS_RECORDED' })
  })

  test('a result over the limit fails its step for good with RESULT_TOO_LARGE', async () => {
    const at = await ground()
    const one = await worker(at)
    const taskId = await at.submit()
    const { ref } = await one.command()
    one.succeed(ref, 'x'.repeat(one.welcome.result_bytes_max))
    await one.ack()
    expect((await stepOf(at, taskId)).last_failure).toMatchObject({ code: 'RESULT_TOO_LARGE', retryable: false })
  })

  test('W7: when a command is there, its start is in the log', async () => {
    const at = await ground()
    const one = await worker(at)
    const taskId = await at.submit({ order: 'A-1' })
    const command = await one.command()
    expect(await stepOf(at, taskId)).toMatchObject({ status: 'in_progress', attempts: 1 })
    expect(command.ref).toEqual({ task_id: taskId, step_id: 'only', attempt: 1 })
    expect(valueOf(command.input)).toEqual({ order: 'A-1' })
    one.succeed(command.ref)
    await one.ack()
    expect((await at.history(taskId)).map(({ type }) => type)).toEqual(
      expect.arrayContaining(['task.submitted', 'step.started', 'step.completed', 'task.completed']),
    )
  })

  test('W8: a worker that says nothing on a live stream is lost, and the retry policy decides', async () => {
    const at = await ground({ name: 'only', ...FAST_RETRY })
    const frozen = await worker(at, { isHeard: false, slots: 1 })
    const taskId = await at.submit()
    const lost = await frozen.command()
    const other = await worker(at)
    const next = await other.command()
    expect(next.ref).toEqual({ ...lost.ref, attempt: 2 })
    expect(next.attempts_since_reset).toBe(2)
    expect((await stepOf(at, taskId)).last_failure).toMatchObject({ code: 'WORKER_LOST' })
  })

  test('W8: empty messages are enough to be heard', async () => {
    const at = await ground()
    const one = await worker(at)
    const taskId = await at.submit()
    const { ref } = await one.command()
    await new Promise((resolve) => setTimeout(resolve, 2 * one.welcome.silence_ms))
    one.succeed(ref)
    expect((await one.ack()).status).toBe('ACK_STATUS_RECORDED')
    expect((await stepOf(at, taskId)).attempts).toBe(1)
  })

  test('W2, W9: a worker that comes back with its id keeps the attempts it names', async () => {
    const at = await ground()
    const before = await worker(at)
    const taskId = await at.submit()
    const { ref } = await before.command()
    await before.break()
    const after = await worker(at, { workerId: before.workerId, running: [ref] })
    expect(after.welcome.forgotten).toEqual([])
    after.succeed(ref, 'kept')
    expect(await after.ack()).toMatchObject({ ref, status: 'ACK_STATUS_RECORDED' })
    expect((await stepOf(at, taskId)).attempts).toBe(1)
  })

  test('W4, W9: a result whose acknowledgement was lost is sent again after the reconnect and counts once', async () => {
    const at = await ground()
    const before = await worker(at)
    const taskId = await at.submit()
    const { ref } = await before.command()
    before.succeed(ref, 'once')
    await before.ack()
    await before.break()
    const after = await worker(at, { workerId: before.workerId, running: [ref] })
    const isForgotten = after.welcome.forgotten.length === 1
    if (!isForgotten) {
      after.succeed(ref, 'once')
      expect((await after.ack()).status).toBe('ACK_STATUS_DUPLICATE')
    }
    expect((await at.history(taskId)).filter(({ type }) => type === 'step.completed')).toHaveLength(1)
  })

  test('W9: attempts that the worker does not name were never received, and cost nothing', async () => {
    const at = await ground()
    const before = await worker(at)
    await at.submit()
    const lost = await before.command()
    await before.break()
    const after = await worker(at, { workerId: before.workerId, running: [] })
    const again = await after.command()
    expect(again.ref).toMatchObject({ task_id: lost.ref.task_id, step_id: 'only' })
    expect(again.attempts_since_reset).toBe(1)
    after.succeed(again.ref)
    expect((await after.ack()).status).toBe('ACK_STATUS_RECORDED')
  })

  test('W9: what a worker names that is not its own is forgotten', async () => {
    const at = await ground()
    const nobody: RawRef = { task_id: makeId(), step_id: 'only', attempt: 1 }
    const one = await worker(at, { running: [nobody] })
    expect(one.welcome.forgotten).toEqual([nobody])
  })

  test('W9: after the grace the attempts of a broken stream fail with WORKER_LOST, and the worker is told to forget them', async () => {
    const at = await ground({ name: 'only', ...FAST_RETRY })
    const gone = await worker(at)
    const taskId = await at.submit()
    const { ref } = await gone.command()
    await gone.break()
    const other = await worker(at)
    const next = await other.command()
    expect(next.ref).toEqual({ ...ref, attempt: 2 })
    expect((await stepOf(at, taskId)).last_failure).toMatchObject({ code: 'WORKER_LOST' })
    const late = await worker(at, { workerId: gone.workerId, running: [ref] })
    expect(late.welcome.forgotten).toEqual([ref])
    other.succeed(next.ref)
    expect((await other.ack()).status).toBe('ACK_STATUS_RECORDED')
  })

  test('W10: a cancelled task asks its worker to stop, and waits for the answer', async () => {
    const at = await ground()
    const one = await worker(at)
    const taskId = await at.submit()
    const { ref } = await one.command()
    await at.client.call('TaskService/Cancel', { task_id: taskId, reason: 'customer left' })
    expect(await one.cancellation()).toEqual(ref)
    expect((await at.task(taskId)).status).toBe('cancelling')
    one.send({ results: [{ ref, cancelled: {} }] })
    expect((await one.ack()).status).toBe('ACK_STATUS_RECORDED')
    expect((await at.task(taskId)).status).toBe('cancelled')
  })

  test('W10: what the handler managed to finish is recorded all the same', async () => {
    const at = await ground()
    const one = await worker(at)
    const taskId = await at.submit()
    const { ref } = await one.command()
    await at.client.call('TaskService/Cancel', { task_id: taskId })
    await one.cancellation()
    one.succeed(ref, 'finished')
    expect((await one.ack()).status).toBe('ACK_STATUS_RECORDED')
    const task: RawTask = await at.task(taskId)
    expect(task.status).toBe('cancelled')
    expect(valueOf(task.steps[0]?.output)).toBe('finished')
  })

  test('W11, W13: a drained worker gets no more commands; a result in the message of its drain is read before it', async () => {
    const at = await ground()
    const leaving = await worker(at, { slots: 1 })
    await at.submit()
    const { ref } = await leaving.command()
    const next = await at.submit()
    leaving.send({ results: [{ ref, success: json(null) }], drain: {} })
    expect((await leaving.ack()).status).toBe('ACK_STATUS_RECORDED')
    // Only now is there another worker: had the drain been forgotten, the freed slot would have taken the task.
    const staying = await worker(at)
    const taken = await staying.command()
    expect(taken.ref.task_id).toBe(next)
    staying.succeed(taken.ref)
    await staying.ack()
    leaving.stream.end()
    expect((await leaving.stream.ended).code).toBe(status.OK)
    expect(leaving.commands()).toHaveLength(1)
  })

  test('W12: a message that breaks a rule is answered with a problem, and the rest of it is done', async () => {
    const at = await ground()
    const one = await worker(at)
    await at.submit()
    const { ref } = await one.command()
    one.send({
      results: [{ ref, success: json('done') }],
      heartbeats: [{ ref: { task_id: 'no ulid', step_id: '', attempt: 0 } }],
    })
    expect((await one.ack()).status).toBe('ACK_STATUS_RECORDED')
    expect((await one.problem()).reason).not.toBe('')
    one.stream.writeBytes(Buffer.from([0xff, 0xff, 0xff, 0xff]))
    expect((await one.problem()).reason).not.toBe('')
    one.send({ hello: { worker_id: makeId(), namespace: at.namespace, handlers: ['x'], slots: 1 } })
    expect((await one.problem()).reason).not.toBe('')
    await at.submit()
    expect((await one.command()).handler).toBe(HANDLER)
  })

  test('W13: of two results for one attempt in one message the first counts', async () => {
    const at = await ground()
    const one = await worker(at)
    const taskId = await at.submit()
    const { ref } = await one.command()
    one.send({
      results: [
        { ref, success: json('first') },
        { ref, success: json('second') },
      ],
    })
    const acks = [await one.ack(), await one.ack()]
    expect(acks.filter((ack) => ack.status === 'ACK_STATUS_RECORDED')).toHaveLength(1)
    expect(valueOf((await stepOf(at, taskId)).output)).toBe('first')
  })

  test('W14: a second stream with the same worker_id replaces the first, which is closed with ABORTED', async () => {
    const at = await ground()
    const older = await worker(at)
    await at.submit()
    const { ref } = await older.command()
    const newer = await worker(at, { workerId: older.workerId, running: [ref] })
    expect((await older.stream.ended).code).toBe(status.ABORTED)
    newer.succeed(ref)
    expect((await newer.ack()).status).toBe('ACK_STATUS_RECORDED')
  })

  test('a command names its handler, its method and the results it depends on', async () => {
    const at = await ground({ name: 'first' }, { name: 'second', dependencies: ['first'] })
    const one = await worker(at, { handlers: ['Handle.first', 'Handle.second'] })
    await at.submit()
    const first = await one.command()
    expect(first).toMatchObject({ handler: 'Handle.first', method: 'call', namespace: at.namespace, dependencies: [] })
    one.succeed(first.ref, { total: 3 })
    const second = await one.command()
    expect(second.handler).toBe('Handle.second')
    expect(second.dependencies.map(({ step_id, output }) => [step_id, valueOf(output)])).toEqual([['first', { total: 3 }]])
    expect(second.timeout_ms).toBeGreaterThan(0)
  })
}
