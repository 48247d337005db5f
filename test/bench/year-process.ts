/**
 * `node test/dist/bench/year-process.js [--runs N]`: how long a test waits for a year of monthly charges. Each run has an environment of its own;
 * the first pays for code that is not compiled yet.
 */
import { parseArgs } from 'node:util'
import { defineTask } from '@tasker/sdk'
import { createTestEnv } from '@tasker/testing'

const DAY_MS = 86_400_000
const MONTHS = 12

const renewal = defineTask('renewal', { namespace: 'shop', version: '1.0.0' })
  .step('invoice', () => ({ cents: 900 }))
  .step('charge', { after: ['invoice'] }, ({ deps }) => deps.invoice.cents)

const yearMs = async (): Promise<number> => {
  const beganMs = performance.now()
  const env = await createTestEnv({ tasks: [renewal] })
  const dueAt = (month: number): Date => new Date(env.now().getTime() + month * 30 * DAY_MS)
  for (let month = 1; month <= MONTHS; month++) await env.client.submit(renewal, {}, { runAt: dueAt(month) })
  await env.advance('365d')
  const { tasks } = await env.client.list({ status: ['complete'] })
  await env.close()
  if (tasks.length !== MONTHS) throw new Error(`${tasks.length} charges were made in a year`)
  return performance.now() - beganMs
}

const { values } = parseArgs({ options: { runs: { type: 'string', default: '9' } } })
const runs: number[] = []
for (let run = 0; run < Number(values.runs); run++) runs.push(await yearMs())
const [first = 0] = runs
const median = runs.toSorted((a, b) => a - b)[runs.length >> 1] ?? 0
process.stdout.write(
  `a year of ${MONTHS} charges: ${first.toFixed(0)} ms the first time, ${median.toFixed(0)} ms in the median\n`,
)
