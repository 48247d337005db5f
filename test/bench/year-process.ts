/**
 * `node test/dist/bench/year-process.js [--runs N]`: how long a test waits for a year of monthly charges, as tasks that start in the future and as one
 * durable function. Each run has an environment of its own; the first pays for code that is not compiled yet.
 */
import { parseArgs } from 'node:util'
import { defineFunction, defineTask } from '@tasker/sdk'
import { createTestEnv } from '@tasker/testing'

const DAY_MS = 86_400_000
const MONTHS = 12

const renewal = defineTask('renewal', { namespace: 'shop', version: '1.0.0' })
  .step('invoice', () => ({ cents: 900 }))
  .step('charge', { after: ['invoice'] }, ({ deps }) => deps.invoice.cents)

const subscription = defineFunction(
  'subscription',
  { namespace: 'shop', version: '1.0.0' },
  async (ctx, { cents }: { readonly cents: number }) => {
    if ((await ctx.waitForSignal('cancel', { timeout: '5d' })) !== undefined) return 0
    let charges = 0
    while (charges < MONTHS) {
      const invoice = await ctx.step('invoice', () => ({ cents }))
      await ctx.step('charge', () => invoice.cents)
      charges++
      if ((await ctx.waitForSignal('cancel', { timeout: '30d' })) !== undefined) break
    }
    return charges
  },
)

const yearOfTasks = async (): Promise<number> => {
  const env = await createTestEnv({ tasks: [renewal] })
  const dueAt = (month: number): Date => new Date(env.now().getTime() + month * 30 * DAY_MS)
  for (let month = 1; month <= MONTHS; month++) await env.client.submit(renewal, {}, { runAt: dueAt(month) })
  await env.advance('365d')
  const { tasks } = await env.client.list({ status: ['complete'] })
  await env.close()
  return tasks.length
}

const yearOfFunction = async (): Promise<number> => {
  const env = await createTestEnv({ tasks: [subscription] })
  const handle = await env.client.submit(subscription, { cents: 900 })
  await env.advance('365d')
  const charges = await handle.result()
  await env.close()
  return charges
}

const { values } = parseArgs({ options: { runs: { type: 'string', default: '9' } } })
for (const [what, year] of [
  ['tasks', yearOfTasks],
  ['a durable function', yearOfFunction],
] as const) {
  const runs: number[] = []
  for (let run = 0; run < Number(values.runs); run++) {
    const beganMs = performance.now()
    const charges = await year()
    if (charges !== MONTHS) throw new Error(`${charges} charges were made in a year`)
    runs.push(performance.now() - beganMs)
  }
  const [first = 0] = runs
  const median = runs.toSorted((a, b) => a - b)[runs.length >> 1] ?? 0
  process.stdout.write(
    `a year of ${MONTHS} charges by ${what}: ${first.toFixed(0)} ms the first time, ${median.toFixed(0)} ms in the median\n`,
  )
}
