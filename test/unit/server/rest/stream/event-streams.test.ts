/** Live events over HTTP: resumable, ended by the task's end, and bounded for clients that do not read. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { instant, parseTaskId, stepId, trustedJson, workerId, type TaskId } from '@tasker/core'
import { buildRestApp } from '@tasker/server/internal/rest/app'
import { startRestServer, type RestServer } from '@tasker/server/internal/rest/server'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type DoorUnderTest, openDoor } from '../door-under-test.js'

let door: DoorUnderTest
let server: RestServer
let taskId: TaskId

const AT = instant(Date.UTC(2026, 0, 1, 0, 0, 1))
const WORKER = workerId('w-1')

beforeEach(async () => {
  door = await openDoor()
  server = await startRestServer({ ...door.door, host: '127.0.0.1', port: 0 })
  const answer = await fetch(`http://127.0.0.1:${server.port}/v1/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"namespace":"shop","name":"order","context":{\n  "id":\r\n "A-1"\n}}',
  })
  taskId = parseTaskId(answer.headers.get('location')?.slice('/v1/tasks/'.length) ?? '') ?? noTask()
})
afterEach(async () => {
  await server.stop()
  await door.stop()
})

function noTask(): never {
  throw new Error('a task was submitted')
}

const completeStep = (name: string): void => {
  const step = stepId(name)
  door.order(taskId, { type: 'start', at: AT, step, attempt: 1, worker: WORKER })
  door.order(taskId, { type: 'complete', at: AT, step, attempt: 1, worker: WORKER, output: trustedJson('{\n"ok":true}') })
}

const open = (headers: Readonly<Record<string, string>> = {}, query = '') =>
  fetch(`http://127.0.0.1:${server.port}/v1/tasks/${taskId}/events${query}`, {
    headers: { accept: 'text/event-stream', ...headers },
  })

interface Frame {
  readonly id: string
  readonly event: string
  readonly data: unknown
}

/** Reads frames as a browser does. */
async function* framesOf(answer: Response): AsyncGenerator<Frame> {
  if (answer.body === null) return
  let text = ''
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    text += chunk
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const fields = text
        .slice(0, end)
        .split('\n')
        .map((line) => line.split(/: ?(.*)/s))
      text = text.slice(end + 2)
      const valuesOf = (name: string): readonly string[] => fields.filter(([key]) => key === name).map(([, value]) => value ?? '')
      const [id] = valuesOf('id')
      const [event] = valuesOf('event')
      if (id !== undefined && event !== undefined) yield { id, event, data: JSON.parse(valuesOf('data').join('\n')) }
    }
  }
}

test('a stream shows what is there, then what happens, and ends with the task', async () => {
  const answer = await open()
  expect(answer.headers.get('content-type')).toContain('text/event-stream')
  const seen: Frame[] = []
  for await (const frame of framesOf(answer)) {
    seen.push(frame)
    if (frame.id === '3') completeStep('validate')
    if (frame.id === '6') completeStep('charge')
  }
  expect(seen.map(({ id, event }) => `${id} ${event}`)).toEqual([
    '1 task.submitted',
    '2 steps.created',
    '3 step.scheduled',
    '4 step.started',
    '5 step.completed',
    '6 step.scheduled',
    '7 step.started',
    '8 step.completed',
    '9 task.completed',
  ])
  expect(seen[0]?.data).toMatchObject({ version: 1, task_id: taskId, data: { context: { id: 'A-1' } } })
})

test('a stream goes on behind Last-Event-ID, or behind after_version', async () => {
  completeStep('validate')
  completeStep('charge')
  const ids = async (answer: Promise<Response>): Promise<readonly string[]> => {
    const seen: string[] = []
    for await (const frame of framesOf(await answer)) seen.push(frame.id)
    return seen
  }
  expect(await ids(open({ 'last-event-id': '7' }))).toEqual(['8', '9'])
  expect(await ids(open({}, '?after_version=8'))).toEqual(['9'])
})

test('a stream of which nothing will come any more is 204, so that browsers do not come back', async () => {
  completeStep('validate')
  completeStep('charge')
  expect((await open({ 'last-event-id': '9' })).status).toBe(204)
})

test('a task that is not there is a problem, not a stream', async () => {
  const answer = await fetch(`http://127.0.0.1:${server.port}/v1/tasks/01HZZZZZZZZZZZZZZZZZZZZZZZ/events`, {
    headers: { accept: 'text/event-stream' },
  })
  expect(answer.status).toBe(404)
  expect(answer.headers.get('content-type')).toContain('application/problem+json')
})

test('streams end when the server stops', async () => {
  const frames = framesOf(await open())
  for (let count = 0; count < 3; count++) await frames.next()
  await server.stop()
  expect(await frames.next()).toMatchObject({ done: true })
})

/** Resolves when a follower of the task has left the engine. */
const followerLeft = (): Promise<void> => {
  const { engine } = door.door
  const follow = engine.follow.bind(engine)
  return new Promise((resolve) => {
    engine.follow = async (...args) => {
      const stop = await follow(...args)
      return () => {
        stop()
        resolve()
      }
    }
  })
}

/** A client that asks for the stream and reads its first bytes only. */
const openUnread = async (port: number): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(`GET /v1/tasks/${taskId}/events HTTP/1.1\r\nhost: tests\r\naccept: text/event-stream\r\n\r\n`)
  await once(socket, 'data')
  socket.pause()
  return socket
}

test('a client that leaves gives its place in the engine back', async () => {
  const left = followerLeft()
  const socket = await openUnread(server.port)
  socket.destroy()
  await left
})

test('a client that does not read is cut off, and what was not sent is dropped', async () => {
  const left = followerLeft()
  const app = await buildRestApp(door.door, new AbortController().signal, { heartbeatMs: 60_000, stallMsMax: 100 })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const socket = await openUnread(Number(new URL(url).port))
  const step = stepId('validate')
  door.order(taskId, { type: 'start', at: AT, step, attempt: 1, worker: WORKER })
  const output = trustedJson(JSON.stringify('x'.repeat(32 * 1024 * 1024)))
  door.order(taskId, { type: 'complete', at: AT, step, attempt: 1, worker: WORKER, output })
  await left
  socket.destroy()
  await app.close()
})

test('a quiet stream shows signs of life', async () => {
  const app = await buildRestApp(door.door, new AbortController().signal, { heartbeatMs: 5, stallMsMax: 1_000 })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const socket = await openUnread(Number(new URL(url).port))
  let text = ''
  for await (const chunk of socket.resume().setEncoding('utf8')) {
    text += String(chunk)
    if (text.split('\r\n:\n\n\r\n').length > 3) break
  }
  expect(text).toContain('\r\n:\n\n\r\n')
  await app.close()
})
