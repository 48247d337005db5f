/** A small HTTP service that takes its time: a report is ordered, and is ready when it was asked for often enough. */
import { createServer } from 'node:http'

/** How often it is asked in vain. */
const PATIENCE = 3

/** Starts it on any free port, and gives its address. */
export const startService = (): Promise<string> => {
  const asked = new Map<string, number>()
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    if (request.method === 'POST') return answer(202, { report: `/reports/${String(request.headers['idempotency-key'])}` })
    const times = (asked.get(pathname) ?? 0) + 1
    asked.set(pathname, times)
    // It is down once, which is not the same as not being ready.
    if (times === 2) answer(503, { error: 'down' })
    else if (times <= PATIENCE) answer(200, { status: 'working', percent: (times - 1) * 40 })
    else answer(200, { status: 'ready', percent: 100, pages: 12 })
  })
  // It ends with the program.
  server.unref()
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(address === null || typeof address === 'string' ? '' : `http://127.0.0.1:${address.port}`)
    })
  })
}
