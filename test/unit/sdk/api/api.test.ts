// The calls of an API step against a real HTTP server on this machine.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import {
  CancelledError,
  defineApiStep,
  defineStep,
  httpError,
  httpOutcome,
  PermanentError,
  RetryableError,
  StepHandler,
  type StepContext,
} from '@tasker/sdk'
import { apiOf, type Api, type ApiOptions } from '@tasker/sdk/internal/api/api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { command, failureOf, outputOf, payload, resultsOf } from '../scripted-server.js'
import { startWorker } from '../worker/started-worker.js'

type Answer = (request: IncomingMessage & { readonly text: string }, response: ServerResponse) => void

let answer: Answer = () => undefined
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => answer(Object.assign(request, { text: Buffer.concat(chunks).toString() }), response))
})
let base = ''

beforeEach(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  base = `http://127.0.0.1:${address.port}`
})

afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
    response.end(JSON.stringify(body))
  }

const apiTo = (options: ApiOptions = {}, signal = new AbortController().signal): Api =>
  apiOf({ baseUrl: base, ...options }, signal)
const errorOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    (value) => value,
    (error: unknown) => error,
  )

test('the verbs carry their bodies, the base URL its path, and the headers of a call go before those of the handler', async () => {
  const seen: unknown[] = []
  answer = (request, response) => {
    const { method, url, headers, text } = request
    seen.push([method, url, headers['content-type'], headers['x-key'], headers['x-call'], text])
    json(200, { ok: true })(request, response)
  }
  const api = apiTo({ baseUrl: `${base}/v1/`, headers: { 'x-key': 'handler', 'x-call': 'handler' } })
  const response = await api.get('/orders', { query: { page: 2, all: true, none: undefined }, headers: { 'x-call': 'call' } })
  expect(response.data).toEqual({ ok: true })
  await api.post('orders', { id: 1 })
  await api.put('/orders/1', [1])
  await api.patch('/orders/1', null)
  await api.delete('/orders/1')
  await api.request('HEAD', '/orders/1')
  await api.post('/form', undefined, { body: new URLSearchParams({ a: 'b' }) })
  await api.get(`${base}/elsewhere`)
  expect(seen).toEqual([
    ['GET', '/v1/orders?page=2&all=true', undefined, 'handler', 'call', ''],
    ['POST', '/v1/orders', 'application/json', 'handler', 'handler', '{"id":1}'],
    ['PUT', '/v1/orders/1', 'application/json', 'handler', 'handler', '[1]'],
    ['PATCH', '/v1/orders/1', 'application/json', 'handler', 'handler', 'null'],
    ['DELETE', '/v1/orders/1', undefined, 'handler', 'handler', ''],
    ['HEAD', '/v1/orders/1', undefined, 'handler', 'handler', ''],
    ['POST', '/v1/form', 'application/x-www-form-urlencoded;charset=UTF-8', 'handler', 'handler', 'a=b'],
    ['GET', '/elsewhere', undefined, 'handler', 'handler', ''],
  ])
})

test('an answer is parsed where it says that it is JSON, and is a text or null otherwise', async () => {
  const answers: readonly (readonly [string, string])[] = [
    ['application/problem+json', '{"a":1}'],
    ['text/plain', '{"a":1}'],
    ['application/json', ''],
  ]
  const seen: unknown[] = []
  for (const [type, body] of answers) {
    answer = (_, response) => response.writeHead(200, { 'content-type': type }).end(body)
    seen.push((await apiTo().get('/')).data)
  }
  expect(seen).toEqual([{ a: 1 }, '{"a":1}', null])
})

describe('statuses', () => {
  test.each([400, 401, 402, 403, 404, 405, 409, 410, 422, 451])('%i is permanent', async (status) => {
    answer = json(status, { why: 'no such order' })
    const error = await errorOf(apiTo().get('/orders/7?token=secret'))
    expect(error).toBeInstanceOf(PermanentError)
    expect(error).toMatchObject({ code: `HTTP_${status}` })
    expect(String(error)).toContain('/orders/7 answered')
    expect(String(error)).toContain('no such order')
    expect(String(error)).not.toContain('secret')
  })

  test.each([408, 425, 429, 500, 501, 502, 503, 504, 599])('%i is retryable', async (status) => {
    answer = json(status, {})
    const error = await errorOf(apiTo().get('/'))
    expect(error).toBeInstanceOf(RetryableError)
    expect(error).toMatchObject({ code: `HTTP_${status}`, retryAfterMs: undefined })
  })

  test('one that the caller accepts is an answer', async () => {
    answer = json(404, { code: 'NONE' })
    expect(await apiTo().get('/', { accept: [404] })).toMatchObject({ status: 404, data: { code: 'NONE' } })
  })
})

describe('Retry-After', () => {
  const date = 'Tue, 24 Nov 2026 08:00:00 GMT'
  test.each([
    ['seconds', '7', date, 7_000],
    ['a date, by the clock of the server', 'Tue, 24 Nov 2026 08:01:30 GMT', date, 90_000],
    ['a date that is over', 'Tue, 24 Nov 2026 07:59:00 GMT', date, 0],
    ['an older form of a date', 'Tuesday, 24-Nov-26 08:00:10 GMT', date, 10_000],
    ['nonsense', 'soon', date, undefined],
    ['a negative number', '-5', date, undefined],
    ['more than a number can hold', '9'.repeat(400), date, Number.MAX_SAFE_INTEGER],
  ])('as %s', async (_name, asked, said, delayMs) => {
    answer = json(503, {}, { 'retry-after': asked, date: said })
    expect(await errorOf(apiTo().get('/'))).toMatchObject({ code: 'HTTP_503', retryAfterMs: delayMs })
  })
})

describe('what is no answer', () => {
  test('a connection that fails, or breaks in the middle, is retryable and says why', async () => {
    answer = (request) => request.socket.destroy()
    expect(await errorOf(apiTo().get('/'))).toMatchObject({ name: 'RetryableError', code: 'HTTP_UNREACHABLE' })
    answer = (request, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half')
      setImmediate(() => request.socket.destroy())
    }
    expect(await errorOf(apiTo().get('/'))).toMatchObject({ name: 'RetryableError', code: 'HTTP_UNREACHABLE' })
    const closed = await errorOf(apiTo({ baseUrl: 'http://127.0.0.1:1' }).get('/'))
    expect(closed).toMatchObject({ name: 'RetryableError', code: 'HTTP_UNREACHABLE' })
    expect(String(closed)).toMatch(/ECONNREFUSED|bad port/)
  })

  test('a timeout of the handler or the call is retryable, the body of the answer included', async () => {
    answer = () => undefined
    expect(await errorOf(apiTo({ timeout: 50 }).get('/'))).toMatchObject({ name: 'RetryableError', code: 'HTTP_TIMEOUT' })
    answer = (_, response) => void response.writeHead(200).write('half')
    const error = await errorOf(apiTo().get('/', { timeout: '50ms' }))
    expect(error).toMatchObject({ name: 'RetryableError', code: 'HTTP_TIMEOUT' })
  })

  test('a call ends with its attempt, with the reason of the signal', async () => {
    const controller = new AbortController()
    answer = () => controller.abort(new CancelledError('the task was cancelled'))
    expect(await errorOf(apiTo({}, controller.signal).get('/'))).toMatchObject({ name: 'CancelledError' })
  })

  test('JSON that is none is retryable, an answer without end permanent, and so is an address that is none', async () => {
    answer = (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('<html>')
    expect(await errorOf(apiTo().get('/'))).toMatchObject({ name: 'RetryableError', code: 'HTTP_BAD_JSON' })
    answer = (_, response) => response.writeHead(200).end(Buffer.alloc(17 * 1024 * 1024))
    expect(await errorOf(apiTo().get('/'))).toMatchObject({ name: 'PermanentError', code: 'HTTP_RESPONSE_TOO_LARGE' })
    const nowhere = apiOf({}, new AbortController().signal)
    expect(await errorOf(nowhere.get('/orders'))).toMatchObject({ name: 'PermanentError', code: 'HTTP_BAD_ADDRESS' })
  })

  test('a call that cannot be made is not taken for a connection that failed', async () => {
    expect(await errorOf(apiTo().request('GET', '/', { json: 1 }))).toBeInstanceOf(TypeError)
  })
})

test('code with an HTTP client of its own classifies alike', () => {
  expect([200, 204, 304, 404, 429, 503].map(httpOutcome)).toEqual([
    ...['success', 'success', 'permanent'],
    ...['permanent', 'retryable', 'retryable'],
  ])
  const headers = new Headers({ 'retry-after': '2' })
  expect(httpError({ status: 429, headers }, 'too fast')).toMatchObject({
    message: 'too fast',
    retryAfterMs: 2_000,
    code: 'HTTP_429',
  })
  expect(httpError({ status: 403, headers })).toBeInstanceOf(PermanentError)
})

/** Waits for so many results: real calls take longer than a turn. */
const settled = async (started: Awaited<ReturnType<typeof startWorker>>, count: number): Promise<void> => {
  while (resultsOf(started.server.worker()).length < count) await new Promise((resolve) => void setTimeout(resolve, 2))
}

test('a step of any form calls through its context', async () => {
  answer = (request, response) =>
    json(request.url === '/gone' ? 404 : 200, { seen: [request.url, request.headers['x-key']] })(request, response)
  class Quote extends StepHandler {
    readonly callable = 'Quote.Class'
    readonly api = { baseUrl: base, headers: { 'x-key': 'class' } }
    async call({ api }: StepContext) {
      return (await api.get('/class')).data
    }
  }
  const checked = defineApiStep(
    'Quote.Checked',
    { baseUrl: base, input: z.object({ id: z.number() }) },
    async ({ api, input }) => {
      const { data } = await api.get(`/quotes/${input.id}`)
      return data
    },
  )
  const optional = defineStep('Quote.Optional', { api: { baseUrl: base } }, async ({ api }) => (await api.get('/gone')).data)
  const started = await startWorker({ handlers: [new Quote(), checked, optional] })
  started.server.worker().send({
    commands: [command('Quote.Class'), command('Quote.Checked', { input: payload({ id: 7 }) }), command('Quote.Optional')],
  })
  await settled(started, 3)
  const byStep = new Map(resultsOf(started.server.worker()).map((result) => [result.ref?.stepId, result]))
  expect(outputOf(byStep.get('Quote.Class'))).toEqual({ seen: ['/class', 'class'] })
  expect(outputOf(byStep.get('Quote.Checked'))).toEqual({ seen: ['/quotes/7', null] })
  expect(failureOf(byStep.get('Quote.Optional'))).toMatchObject({
    code: 'HTTP_404',
    retryable: false,
    errorType: 'PermanentError',
  })
})
