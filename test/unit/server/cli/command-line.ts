/** Runs the command line in this process against an HTTP server that answers as the test says. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { runCommandLine } from '@tasker/server/internal/cli/program'
import { terminalOver } from '@tasker/server/internal/cli/terminal'

export interface Ended {
  readonly exitCode: number
  readonly out: string
  readonly err: string
}

/** Runs one command line, with nothing of this process's environment. */
export const tasker = async (
  args: readonly string[],
  environment: { readonly [variable: string]: string } = {},
  stdin = '',
): Promise<Ended> => {
  let out = ''
  let err = ''
  const terminal = terminalOver({ write: (text) => (out += text) }, { write: (text) => (err += text) }, false)
  const exitCode = await runCommandLine(args, { environment, stdin: Readable.from([stdin]), terminal: () => terminal })
  return { exitCode, out, err }
}

export interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Standing {
  readonly url: string
  readonly asked: readonly Asked[]
  close(): Promise<void>
}

/** A server that keeps what it was asked and answers by the function. */
export const standing = async (answer: (asked: Asked, response: ServerResponse, count: number) => void): Promise<Standing> => {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const one = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      }
      asked.push(one)
      answer(one, response, asked.length)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Answers with JSON. */
export const json = (response: ServerResponse, status: number, body: object, type = 'application/json'): void => {
  response.writeHead(status, { 'content-type': type })
  response.end(JSON.stringify(body))
}
