/** The rules C1 to C5 of `TaskService.Session`, one test each. */
import { afterEach, expect, test } from 'vitest'
import { prepareGround, TEMPLATE, type ConformanceServer, type Ground } from './ground.js'
import { json, valueOf } from './raw-client.js'
import { makeId, startWorker } from './raw-worker.js'

export const sessionRules = (server: () => ConformanceServer): void => {
  const grounds: Ground[] = []
  const ground = async (): Promise<Ground> => {
    const made = await prepareGround(server())
    grounds.push(made)
    return made
  }
  afterEach(() => {
    for (const made of grounds.splice(0)) made.close()
  })

  const submission = (at: Ground, more: object = {}) => ({
    request_id: makeId(),
    namespace: at.namespace,
    name: TEMPLATE,
    context: json({}),
    ...more,
  })

  test('C1: a message carries many submissions and watches, and each submission is answered once, by its id', async () => {
    const at = await ground()
    const { stream, answer } = at.session()
    const submissions = Array.from({ length: 20 }, () => submission(at))
    stream.write({ submissions, watches: [await at.submit()] })
    const answers = await Promise.all(submissions.map(() => answer()))
    expect(answers.map(({ request_id }) => request_id).sort()).toEqual(submissions.map(({ request_id }) => request_id))
    expect(new Set(answers.map(({ task_id }) => task_id)).size).toBe(20)
    stream.write({ submissions: [submission(at)] })
    await answer()
    expect(stream.inbox.messages.flatMap(({ submitted }) => submitted)).toHaveLength(21)
    stream.break()
  })

  test('C2: a task whose id was answered can be read', async () => {
    const at = await ground()
    const { stream, answer } = at.session()
    stream.write({ submissions: [submission(at)] })
    const { task_id } = await answer()
    expect(await at.task(task_id)).toMatchObject({ task_id, stream_version: expect.any(Number) as number })
    stream.break()
  })

  test('C3: the same request id gives the same task, in one message, on one stream and on another', async () => {
    const at = await ground()
    const repeated = submission(at)
    const first = at.session()
    first.stream.write({ submissions: [repeated, repeated] })
    first.stream.write({ submissions: [repeated] })
    const answers = [await first.answer(), await first.answer(), await first.answer()]
    first.stream.break()
    const second = at.session()
    second.stream.write({ submissions: [repeated] })
    const again = await second.answer()
    expect(again.existing).toBe(true)
    expect(new Set([...answers, again].map(({ task_id }) => task_id)).size).toBe(1)
    expect(answers.filter(({ existing }) => !existing)).toHaveLength(1)
    second.stream.break()
  })

  test('C4: the outcome is sent once, to those that asked with the submission and to those that watch', async () => {
    const at = await ground()
    const worker = await startWorker(at.client, { namespace: at.namespace, handlers: ['Handle.only'] })
    const submitter = at.session()
    submitter.stream.write({ submissions: [submission(at, { watch_outcome: true })] })
    const { task_id } = await submitter.answer()
    const watcher = at.session()
    watcher.stream.write({ watches: [task_id] })
    worker.succeed((await worker.command()).ref, { done: true })
    for (const { outcome } of [submitter, watcher]) {
      const told = await outcome()
      expect(told).toMatchObject({ task_id, outcome: 'completed' })
      expect(valueOf(told.completed)).toEqual({ only: { done: true } })
    }
    const late = at.session()
    late.stream.write({ watches: [task_id] })
    expect(await late.outcome()).toMatchObject({ task_id, outcome: 'completed' })
    for (const { stream } of [submitter, watcher, late]) {
      stream.end()
      await stream.ended
      expect(stream.inbox.messages.flatMap(({ outcomes }) => outcomes)).toHaveLength(1)
    }
    await worker.break()
  })

  test('C4: a blocked task is told with the steps that block it, a cancelled one with its reason', async () => {
    const at = await ground()
    const worker = await startWorker(at.client, { namespace: at.namespace, handlers: ['Handle.only'] })
    const { stream, answer, outcome } = at.session()
    stream.write({ submissions: [submission(at, { watch_outcome: true })] })
    const blocked = (await answer()).task_id
    worker.fail((await worker.command()).ref, { message: 'card refused', retryable: false })
    expect(await outcome()).toMatchObject({
      task_id: blocked,
      outcome: 'blocked',
      blocked: { steps: [{ step_id: 'only', failure: { message: 'card refused' } }] },
    })
    await worker.break()
    const cancelled = await at.submit()
    stream.write({ watches: [cancelled] })
    await at.client.call('TaskService/Cancel', { task_id: cancelled, reason: 'customer left' })
    expect(await outcome()).toMatchObject({ task_id: cancelled, outcome: 'cancelled', cancelled: { reason: 'customer left' } })
    stream.break()
  })

  test('C5: a refused submission is answered with an error, and the stream and the others live on', async () => {
    const at = await ground()
    const { stream, answer } = at.session()
    const unknown = submission(at, { name: 'no_such_template' })
    const noJson = submission(at, { context: { data: Buffer.from('{"a":') } })
    const good = submission(at)
    stream.write({ submissions: [unknown, noJson, good] })
    const answers = [await answer(), await answer(), await answer()]
    const byId = new Map(answers.map((told) => [told.request_id, told]))
    expect(byId.get(unknown.request_id)?.error).toMatchObject({ code: 'NOT_FOUND' })
    expect(byId.get(noJson.request_id)?.error).toMatchObject({ code: 'INVALID_INPUT' })
    expect(byId.get(good.request_id)?.error).toBeNull()
    stream.write({ submissions: [submission(at)] })
    expect((await answer()).error).toBeNull()
    stream.break()
  })

  test('C4: a watch of a task that does not exist is answered with an error', async () => {
    const at = await ground()
    const { stream, outcome } = at.session()
    const taskId = makeId()
    stream.write({ watches: [taskId] })
    expect(await outcome()).toMatchObject({ task_id: taskId, outcome: 'error', error: { code: 'NOT_FOUND' } })
    stream.break()
  })
}
