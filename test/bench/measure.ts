/** The measured stretches of a run: what the driver saw, and what each process used meanwhile. */
import { parseStretch, type Stretch } from './driver-plan.js'
import { machineBusySeconds, treeCpuSeconds } from './process-cpu.js'
import { type RunningProgram, runProgram } from '../support/processes.js'
import type { Stage, Stored } from './contender.js'
import { SHAPES } from './shapes.js'
import { quantile, round } from './statistics.js'
import type { Load } from './workloads.js'

export interface Costs {
  readonly cpu_s_per_1000_steps: number
  /** By what a process does; `driver` is the load, and the worker too where a system runs its work where it is called. */
  readonly cpu_by_process: Readonly<Record<string, number>>
  /** Cores that were busy with something else. */
  readonly foreign_cores: number
  readonly stored_bytes_per_step: number
  readonly wal_bytes_per_step: number
}

export interface Throughput extends Costs {
  readonly steps_per_s: number
  readonly tasks_per_s: number
  readonly p50_ms: number
  readonly p99_ms: number
  readonly tasks: number
}

/** Milliseconds between the time a task was due and the time its step ran. */
export interface Lateness extends Costs {
  readonly lateness_p50_ms: number
  readonly lateness_p99_ms: number
  readonly tasks: number
}

export interface Backlog {
  readonly submit: Throughput
  readonly drain: Throughput
}

export type Measured = Throughput | Lateness | Backlog

interface Reading extends Stored {
  readonly cpu: ReadonlyMap<string, number>
  readonly machine: number
}

export const measure = async (stage: Stage, load: Load): Promise<Measured> => {
  const { steps } = SHAPES[load.shape]
  if (load.type !== 'backlog') await stage.startWorker()
  const driver = runProgram(['test/dist/bench/driver-process.js', JSON.stringify({ ...stage.target, ...load })])
  if (load.type === 'backlog') {
    const submit = await stretchOf(stage, driver, 'submit')
    await stage.startWorker()
    return { submit: throughput(submit, 1), drain: throughput(await stretchOf(stage, driver, 'drain'), steps) }
  }
  const run = await stretchOf(stage, driver, 'run')
  await driver.exited
  return load.type === 'timers' ? lateness(run, steps) : throughput(run, steps)
}

interface Measurement {
  readonly stretch: Stretch
  readonly before: Reading
  readonly after: Reading
}

const stretchOf = async (stage: Stage, driver: RunningProgram, name: string): Promise<Measurement> => {
  await driver.line(new RegExp(`^open ${name}$`))
  const before = await read(stage, driver)
  await driver.line(new RegExp(`^close ${name}$`))
  const after = await read(stage, driver)
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

const lateness = (measurement: Measurement, stepsPerTask: number): Lateness => {
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
