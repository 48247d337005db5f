/** Restate as the load sees it: requests to its ingress over HTTP/2. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import http2 from 'node:http2'

const STREAMS_A_SESSION = 100
const SESSIONS_MAX = 50

export const connect = async ({ url, tasks, gate }) => {
  const sessions = []
  let calls = 0
  const call = async (path) => {
    const needed = Math.min(SESSIONS_MAX, Math.ceil((calls + 1) / STREAMS_A_SESSION))
    while (sessions.length < needed) sessions.push(await opened(url))
    calls++
    try {
      return await ask(sessions[calls % sessions.length], path)
    } finally {
      calls--
    }
  }
  return {
    run: (shape) => call(`/bench/${shape}`),
    backlog: () => ({
      submit: () => call('/bench/gated/send'),
      begin: async () => writeFileSync(gate, ''),
      done: async () => {
        while (endedBy(gate) < tasks) await new Promise((resolve) => setTimeout(resolve, 10))
      },
    }),
    close: async () => {
      for (const session of sessions) session.destroy()
    },
  }
}

const opened = (url) =>
  new Promise((resolve, reject) => {
    const session = http2.connect(url)
    session.once('connect', () => resolve(session))
    session.on('error', reject)
  })

const ask = (session, path) =>
  new Promise((resolve, reject) => {
    const request = session.request({ ':method': 'POST', ':path': path }, { endStream: true })
    let status = 0
    let text = ''
    request.on('response', (headers) => {
      status = headers[':status']
    })
    request.setEncoding('utf8')
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => {
      if (status >= 200 && status < 300) resolve(text === '' ? undefined : JSON.parse(text))
      else reject(new Error(`${path} answered ${status} ${text}`))
    })
    request.on('error', reject)
  })

/** The worker writes beside the gate how many have ended. */
const endedBy = (gate) => (existsSync(`${gate}.ended`) ? Number(readFileSync(`${gate}.ended`, 'utf8')) : 0)
