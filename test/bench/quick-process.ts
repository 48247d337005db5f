/**
 * `npm run bench:quick [-- --keep]`: W1, W5 and the counts of a step against the baseline, in less than two minutes. Ends with 1 when a count is
 * higher than it may be; the figures of another machine, or of one that is busy with something else, are shown and not judged. `--keep` makes a
 * baseline of what was measured.
 */
import { parseArgs } from 'node:util'
import { machineText } from './machine.js'
import { countSteps } from './quick/counts.js'
import { countProblems, keepBaseline, readBaseline } from './quick/baseline.js'
import { measuredOnce } from './alternate.js'
import { tasker } from './tasker-stage.js'
import { numbersOf } from './targets/play.js'
import { shown } from './report/numbers.js'
import { WORKLOADS } from './workloads.js'

const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } })

const TASKS_COUNTED = 300
const SHOWN = [
  'steps_per_s',
  'p50_ms',
  'p99_ms',
  'cpu_s_per_1000_steps',
  'cpu_by_process.server',
  'cpu_by_process.database',
  'cpu_by_process.worker',
  'cpu_by_process.driver',
  'vacuumed_bytes_per_step',
  'wal_bytes_per_step',
  'foreign_cores',
]

const print = (cells: readonly string[]): void =>
  void process.stdout.write(`${cells.map((cell, n) => (n === 0 ? cell.padEnd(38) : cell.padStart(12))).join(' ')}\n`)

const compared = (name: string, now: number, before: number | undefined): void =>
  print([
    name,
    shown(now),
    before === undefined ? '' : shown(before),
    before === undefined ? '' : `× ${(now / before).toFixed(2)}`,
  ])

const baseline = readBaseline()
const machine = machineText()
const before = baseline.machines[machine]
process.stdout.write(`${machine}\n${before === undefined ? 'no baseline of this machine is kept\n' : ''}`)

print(['counts of a step, one task at a time', 'now', 'baseline', ''])
const counts = await countSteps(TASKS_COUNTED)
for (const [name, count] of Object.entries(counts)) compared(name, Number(count), numbersOf(baseline.counts)[name])

const figures: Record<string, Record<string, number>> = {}
for (const name of ['W1', 'W5']) {
  const workload = WORKLOADS[name]
  if (workload === undefined) throw new Error(`there is no workload ${name}`)
  const numbers = numbersOf(await measuredOnce(tasker(), workload.load))
  figures[name] = Object.fromEntries(SHOWN.map((figure) => [figure, numbers[figure] ?? Number.NaN]))
  print([`${name}, ${workload.title}`.slice(0, 38), 'now', 'baseline', ''])
  for (const [figure, now] of Object.entries(figures[name])) compared(figure, now, before?.[name]?.[figure])
}

const problems = countProblems(counts, baseline.counts)
for (const problem of problems) process.stdout.write(`${problem}\n`)
if (values.keep) keepBaseline({ counts, machines: { ...baseline.machines, [machine]: figures } })
else if (problems.length > 0) process.exitCode = 1
