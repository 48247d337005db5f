/** `npm run sim -- [--seed N] [--runs N] [--trace]`: runs seeded worlds, says what happened in each, exits with 1 at the first broken promise. */
import { parseArgs } from 'node:util'
import { runSeed } from './run.js'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
  },
})
const first = Number(values.seed)
const runs = Number(values.runs)

for (let seed = first; seed < first + runs; seed++) {
  const { violations, tasks, events, grants, compensations, faults, virtualMs, trace } = await runSeed(seed)
  if (values.trace) console.log(trace.all().join('\n'))
  const happened = [...faults].map(([what, count]) => `${count} × ${what}`).join(', ')
  process.stdout.write(
    `seed ${seed}: ${tasks} tasks, ${events} events, ${grants} places of keys given, ${compensations.complete} of ${compensations.begun} compensations done, ${Math.round(virtualMs / 1_000)} virtual s; ${happened || 'no faults'}\n`,
  )
  if (violations.length === 0) continue
  process.stdout.write(`${violations.map(({ what }) => `  ${what}`).join('\n')}\nreplay it with: npm run sim -- --seed ${seed}\n`)
  process.exitCode = 1
  if (process.env['GOON'] !== '1') break
}
