/** `npm run bench [-- --workload W1|W5] [--json] [--window-ms N] [--in-flight N]`: the measured figures of this machine, one object a workload. */
import { parseArgs } from 'node:util'
import { STEPS_PER_TASK } from './linear.js'
import { type Load, type Measured, measure } from './measure.js'
import { startStack } from './stack.js'

const { values } = parseArgs({
  options: {
    workload: { type: 'string' },
    json: { type: 'boolean', default: false },
    'window-ms': { type: 'string', default: '15000' },
    'in-flight': { type: 'string' },
    slots: { type: 'string', default: '1000' },
  },
})

/** W1: 200 in flight for a window. W5: one at a time, 200 of them. */
const LOADS: { readonly [workload: string]: Load } = {
  W1: {
    inFlight: Number(values['in-flight'] ?? 200),
    warmupMs: 4_000,
    windowMs: Number(values['window-ms']),
    tasks: 0,
    stepsPerTask: STEPS_PER_TASK,
  },
  W5: { inFlight: 1, warmupMs: 3_000, windowMs: 0, tasks: 200, stepsPerTask: STEPS_PER_TASK },
}

const names = values.workload === undefined ? Object.keys(LOADS) : [values.workload]
for (const name of names) {
  const load = LOADS[name]
  if (load === undefined) {
    process.stderr.write(`there is no workload ${name}; there are ${Object.keys(LOADS).join(', ')}\n`)
    process.exit(2)
  }
  const stack = await startStack(['test/dist/bench/worker-process.js', values.slots])
  try {
    const measured = await measure(stack, load)
    process.stdout.write(values.json ? `${JSON.stringify({ workload: name, ...measured })}\n` : `${table(name, measured)}\n`)
  } finally {
    await stack.stop()
  }
}

function table(name: string, measured: Measured): string {
  const { cpu_by_process, ...figures } = measured
  const lines = Object.entries(figures).map(([key, value]) => `  ${key.padEnd(24)} ${value}`)
  const shares = Object.entries(cpu_by_process).map(([key, value]) => `    ${key.padEnd(22)} ${value}`)
  return [name, ...lines, '  of that CPU:', ...shares].join('\n')
}
