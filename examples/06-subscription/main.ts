/** A subscription as a durable function: trial, a charge each month, and a customer who leaves. Worker and client in one file. */
import { setTimeout as pause } from 'node:timers/promises'
import { Client, defineFunction, RetryableError, Worker } from '@tasker/sdk'
import { z } from 'zod'

/** A day takes 50 ms, so that nobody has to wait for months. Write `'14d'` and `'30d'` where days are days. */
const DAY_MS = 50
const days = (count: number): number => count * DAY_MS

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Stands for the bank: it is busy when it is asked for the first time. */
let calls = 0
const charge = (customer: string, cents: number): string => {
  if (++calls === 1) throw new RetryableError('the bank is busy', { code: 'BANK_BUSY' })
  say(`the bank charges ${customer} ${cents} cents`)
  return `receipt ${calls - 1}`
}

const subscription = defineFunction(
  'subscription',
  {
    namespace: 'shop',
    version: '1.0.0',
    input: z.object({ customer: z.string(), cents: z.number().int(), receipts: z.array(z.string()).default([]) }),
  },
  async (ctx, { customer, cents, receipts: earlier }) => {
    const receipts = [...earlier]
    const cancelled = async (wait: number) => ctx.waitForSignal<{ readonly why: string }>('cancel', { timeout: days(wait) })

    if (earlier.length === 0) {
      ctx.setState('phase', 'trial')
      if ((await cancelled(14)) !== undefined) return { left: 'in the trial', receipts }
    }
    for (let month = 1; month <= 12; month++) {
      const receipt = await ctx.step('charge', () => charge(customer, cents), { retry: { maxAttempts: 5, backoffBase: 100 } })
      receipts.push(receipt)
      ctx.setState('phase', `month ${receipts.length}`)
      const leaves = await cancelled(30)
      if (leaves === undefined) continue
      await ctx.step('say goodbye', () => say(`mail to ${customer}: goodbye, ${leaves.why}`))
      return { left: `in month ${receipts.length}`, receipts }
    }
    // A year is over: the journal begins anew, and does not grow for ever.
    return ctx.continueAs({ customer, cents, receipts })
  },
)

const url = process.env['TASKER_GRPC_URL'] ?? 'localhost:9190'
const worker = new Worker({ url, namespace: 'shop', tasks: [subscription] })
const running = worker.run()

const client = new Client({ url })
const handle = await client.submit(subscription, { customer: 'Ada', cents: 900 })

while ((await handle.shown('phase')) !== 'month 2') await pause(20)
await handle.signal('cancel', { why: 'too many kettles' })
say(JSON.stringify(await handle.result()))

client.close()
await worker.drain()
await running
