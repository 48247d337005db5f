/** The measured stretches of a run: what the driver saw, and what each process used meanwhile. */
import { type RunningProgram, runProgram } from '../support/processes.js'
import type { Stage, Stored } from './contender.js'
import { parseStretch, type Stretch } from './driver-plan.js'
import type { Costs, Measured, Throughput } from './figures.js'
import { machineBusySeconds, treeCpuSeconds } from './process-cpu.js'
import { SHAPES } from './shapes.js'
import { quantile, round } from './statistics.js'
import type { Load } from './workloads.js'

interface Reading extends Stored {
  readonly cpu: ReadonlyMap<string, number>
  readonly machine: number
}

/** Who looks at something else in the measured stretch. */
export interface Witness {
  opened(): Promise<void>
  closed(): Promise<void>
}

/** So much memory may the load's process take: a large backlog is a large number of handles. */
const DRIVER_ARGS = ['--max-old-space-size=6144']

/** With a worker that is started for it. */
export const measure = async (stage: Stage, load: Load, witness?: Witness): Promise<Measured> => {
  if (load.type !== 'backlog') await stage.startWorker()
  return measureRunning(stage, load, witness)
}

/** On a stage that has its worker. */
export const measureRunning = async (stage: Stage, load: Load, witness?: Witness): Promise<Measured> => {
  const { steps } = SHAPES[load.shape]
  const atFirst = await stage.stored()
  const plan = JSON.stringify({ ...stage.target, ...load })
  const driver = runProgram(['test/dist/bench/driver-process.js', plan], {}, DRIVER_ARGS)
  if (load.type === 'backlog') {
    const submit = await stretchOf(stage, driver, 'submit')
    await stage.startWorker()
    const drain = await stretchOf(stage, driver, 'drain')
    await driver.exited
    return { submit: throughput(submit, 1), drain: throughput(drain, steps) }
  }
  const run = await stretchOf(stage, driver, 'run', witness)
  await driver.exited
  if (load.type === 'timers') return lateness(run, steps)
  if (load.type === 'clocked') return { ...costs(run, steps), began_ms: run.stretch.samplesMs, tasks: run.stretch.done }
  const vacuumed = await stage.vacuumed()
  if (vacuumed === undefined) return throughput(run, steps)
  const perStep = (vacuumed - atFirst.stored) / (run.stretch.doneInAll * steps)
  return { ...throughput(run, steps), vacuumed_bytes_per_step: round(perStep, 0) }
}

interface Measurement {
  readonly stretch: Stretch
  readonly before: Reading
  readonly after: Reading
}

const stretchOf = async (stage: Stage, driver: RunningProgram, name: string, witness?: Witness): Promise<Measurement> => {
  await driver.line(new RegExp(`^open ${name}$`))
  await witness?.opened()
  const before = await read(stage, driver)
  await driver.line(new RegExp(`^close ${name}$`))
  const after = await read(stage, driver)
  await witness?.closed()
  const line = await driver.line(new RegExp(`^${name} \\{.*\\}$`))
  return { stretch: parseStretch(line.slice(name.length + 1)), before, after }
}

const read = async (stage: Stage, driver: RunningProgram): Promise<Reading> => {
  const roots = { ...stage.processes(), driver: [driver.pid] }
  const cpu = new Map(
    Object.entries(roots).map(([name, pids]) => [name, pids.reduce((sum, pid) => sum + treeCpuSeconds(pid), 0)]),
  )
  return { cpu, machine: machineBusySeconds(), ...(await stage.stored()) }
}

const throughput = (measurement: Measurement, stepsPerTask: number): Throughput => {
  const { done, elapsedMs, samplesMs } = measurement.stretch
  if (done === 0) throw new Error(`no task was done in ${round(elapsedMs, 0)} ms`)
  const sorted = samplesMs.toSorted((a, b) => a - b)
  const seconds = elapsedMs / 1_000
  return {
    steps_per_s: round((done * stepsPerTask) / seconds, 0),
    tasks_per_s: round(done / seconds, 1),
    p50_ms: round(quantile(sorted, 0.5), 2),
    p99_ms: round(quantile(sorted, 0.99), 2),
    ...costs(measurement, stepsPerTask),
    tasks: done,
  }
}

const lateness = (measurement: Measurement, stepsPerTask: number) => {
  const sorted = measurement.stretch.samplesMs.toSorted((a, b) => a - b)
  return {
    lateness_p50_ms: round(quantile(sorted, 0.5), 1),
    lateness_p99_ms: round(quantile(sorted, 0.99), 1),
    ...costs(measurement, stepsPerTask),
    tasks: measurement.stretch.done,
  }
}

const costs = ({ stretch: { done, elapsedMs }, before, after }: Measurement, stepsPerTask: number): Costs => {
  const steps = done * stepsPerTask
  const used = [...after.cpu].map(([name, seconds]) => [name, seconds - (before.cpu.get(name) ?? 0)] as const)
  const total = used.reduce((sum, [, seconds]) => sum + seconds, 0)
  const per1000 = (seconds: number): number => round((seconds / steps) * 1_000, 4)
  return {
    cpu_s_per_1000_steps: per1000(total),
    cpu_by_process: Object.fromEntries(used.map(([name, seconds]) => [name, per1000(seconds)])),
    foreign_cores: round((after.machine - before.machine - total) / (elapsedMs / 1_000), 2),
    stored_bytes_per_step: round((after.stored - before.stored) / steps, 0),
    wal_bytes_per_step: round((after.wal - before.wal) / steps, 0),
  }
}
