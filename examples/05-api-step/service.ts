/** A small HTTP service that behaves as services do: it is busy, it is down, it knows nobody. */
import { createServer } from 'node:http'

/** Starts it on any free port, and gives its address. */
export const startService = (): Promise<string> => {
  const calls = new Map<string, number>()
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    const call = (calls.get(path) ?? 0) + 1
    calls.set(path, call)
    const answer = (status: number, body: object, headers = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
    }
    if (path === '/v1/rates' && call === 1) answer(429, { error: 'too many calls' }, { 'retry-after': '1' })
    else if (path === '/v1/rates') answer(200, { rate: 1.5 })
    else if (path === '/v1/payments' && call === 1) answer(503, { error: 'down' })
    else if (path === '/v1/payments') answer(201, { payment: `P-${String(request.headers['idempotency-key'])}` })
    else answer(404, { error: 'not found' })
  })
  // It ends with the program.
  server.unref()
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(address === null || typeof address === 'string' ? '' : `http://127.0.0.1:${address.port}/v1`)
    })
  })
}
