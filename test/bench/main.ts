/**
 * `npm run bench [-- --workload W1] [--runs N] [--json] [--slots N]`: the measured figures of this machine, one object a run; of several runs of
 * a workload the one in the middle comes last, marked `median`.
 */
import { parseArgs } from 'node:util'
import { type Measured, measure } from './measure.js'
import { startStack } from './stack.js'
import { WORKLOADS } from './workloads.js'

const { values } = parseArgs({
  options: {
    workload: { type: 'string', multiple: true },
    runs: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    slots: { type: 'string', default: '1000' },
  },
})

const names = values.workload ?? Object.keys(WORKLOADS)
const runs = Number(values.runs)
const unknown = names.find((name) => WORKLOADS[name] === undefined)
if (unknown !== undefined || !(runs >= 1)) {
  const why = unknown === undefined ? '--runs is at least 1' : `there is no workload ${unknown}`
  process.stderr.write(`${why}; workloads are ${Object.keys(WORKLOADS).join(', ')}\n`)
  process.exit(2)
}

for (const name of names) {
  const workload = WORKLOADS[name]
  if (workload === undefined) continue
  const measured: Measured[] = []
  for (let run = 1; run <= runs; run++) {
    const stack = await startStack()
    try {
      const figures = await measure(stack, workload.load, Number(values.slots))
      measured.push(figures)
      show({ workload: name, title: workload.title, ...figures })
    } finally {
      await stack.stop()
    }
  }
  if (runs > 1) show({ workload: name, median: true, runs, ...middle(measured) })
}

/** By its first figure, which says most. */
function middle(measured: readonly Measured[]): Measured | undefined {
  return measured.toSorted((a, b) => firstFigure(a) - firstFigure(b))[Math.floor(measured.length / 2)]
}

function firstFigure(measured: Measured): number {
  if ('drain' in measured) return measured.drain.tasks_per_s
  return 'steps_per_s' in measured ? measured.steps_per_s : measured.lateness_p99_ms
}

function show(figures: object): void {
  process.stdout.write(values.json ? `${JSON.stringify(figures)}\n` : `${table(figures)}\n`)
}

function table(figures: object, indent = ''): string {
  return Object.entries(figures)
    .map(([key, value]: [string, unknown]) =>
      typeof value === 'object' && value !== null
        ? `${indent}${key}\n${table(value, `${indent}  `)}`
        : `${indent}${key.padEnd(24)} ${String(value)}`,
    )
    .join('\n')
}
