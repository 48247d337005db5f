/** A report that another service makes: it is ordered, and asked for until it is ready. Worker and client in one file. */
import { Client, defineFunction, PermanentError, RetryableError, Worker } from '@tasker/sdk'
import { z } from 'zod'
import { startService } from './service.js'

/** An hour takes 10 ms, so that nobody has to wait for a day. Write `'1h'` where hours are hours. */
const HOUR_MS = 10

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const service = await startService()

/** Asks the service. What it cannot answer now is tried again by the step. */
const ask = async (path: string, options: RequestInit = {}): Promise<unknown> => {
  const response = await fetch(`${service}${path}`, options)
  say(`${options.method ?? 'GET'} ${response.status}`)
  if (!response.ok) throw new RetryableError(`the service answers ${response.status}`)
  return response.json()
}

const ordered = z.object({ report: z.string() })
const report = z.object({ status: z.enum(['working', 'ready']), percent: z.number(), pages: z.number().optional() })

const yearly = defineFunction(
  'yearly_report',
  { namespace: 'reports', version: '1.0.0', input: z.object({ hours: z.number().int() }) },
  async (ctx, { hours }) => {
    const until = ctx.now() + hours * HOUR_MS
    // The same key in every attempt: a service that took the order, and could not say so, makes one report.
    const headers = { 'idempotency-key': ctx.taskId }
    const { report: path } = await ctx.step('order', async () =>
      ordered.parse(await ask('/reports', { method: 'POST', headers })),
    )
    for (let wait = 1; ; wait = Math.min(wait * 2, 8)) {
      const { status, percent, pages } = await ctx.step('look', async () => report.parse(await ask(path)), {
        retry: { maxAttempts: 10, backoffBase: 20 },
      })
      ctx.setState('percent', percent)
      if (status === 'ready') return { pages }
      if (ctx.now() >= until) throw new PermanentError(`not ready after ${hours} hours`, { code: 'REPORT_LATE' })
      await ctx.sleep(wait * HOUR_MS)
    }
  },
)

const url = process.env['TASKER_GRPC_URL'] ?? 'localhost:9190'
const worker = new Worker({ url, namespace: 'reports', tasks: [yearly] })
const running = worker.run()

const client = new Client({ url })
const handle = await client.submit(yearly, { hours: 24 * 365 })
say(JSON.stringify(await handle.result()))
say(`${JSON.stringify(await handle.shown('percent'))} percent`)

client.close()
await worker.drain()
await running
