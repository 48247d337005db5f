/** The measured stretches of a run: what the driver saw, and what each process used meanwhile. */
import { parseStretch, type Stretch } from './driver-plan.js'
import { machineBusySeconds, treeCpuSeconds } from './process-cpu.js'
import { type RunningProgram, runProgram } from '../support/processes.js'
import { SHAPES } from './shapes.js'
import type { Stack } from './stack.js'
import { quantile, round } from './statistics.js'
import type { Load } from './workloads.js'

export interface Costs {
  readonly cpu_s_per_1000_steps: number
  readonly cpu_by_process: {
    readonly server: number
    readonly worker: number
    readonly driver: number
    readonly postgres: number
  }
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

interface Reading {
  readonly server: number
  readonly worker: number
  readonly driver: number
  readonly postgres: number
  readonly machine: number
  readonly stored: number
  readonly wal: number
}

export const measure = async (stack: Stack, load: Load, slots: number): Promise<Measured> => {
  const { steps } = SHAPES[load.shape]
  if (load.type !== 'backlog') stack.startWorker(slots)
  const driver = runProgram(['test/dist/bench/driver-process.js', JSON.stringify({ url: stack.grpcUrl, ...load })])
  if (load.type === 'backlog') {
    const submit = await stretchOf(stack, driver, 'submit')
    stack.startWorker(slots)
    return { submit: throughput(submit, 1), drain: throughput(await stretchOf(stack, driver, 'drain'), steps) }
  }
  const run = await stretchOf(stack, driver, 'run')
  return load.type === 'timers' ? lateness(run, steps) : throughput(run, steps)
}

interface Measurement {
  readonly stretch: Stretch
  readonly before: Reading
  readonly after: Reading
}

const stretchOf = async (stack: Stack, driver: RunningProgram, name: string): Promise<Measurement> => {
  await driver.line(new RegExp(`^open ${name}$`))
  const before = await read(stack, driver)
  await driver.line(new RegExp(`^close ${name}$`))
  const after = await read(stack, driver)
  const line = await driver.line(new RegExp(`^${name} \\{.*\\}$`))
  return { stretch: parseStretch(line.slice(name.length + 1)), before, after }
}

const read = async ({ pids, workers, database }: Stack, driver: RunningProgram): Promise<Reading> => {
  const cpu = {
    server: treeCpuSeconds(pids.server),
    worker: workers.reduce((sum, pid) => sum + treeCpuSeconds(pid), 0),
    driver: treeCpuSeconds(driver.pid),
    postgres: treeCpuSeconds(pids.postgres),
    machine: machineBusySeconds(),
  }
  const { rows } = await database.query<{ stored: string; wal: string }>(
    "select pg_database_size(current_database()) as stored, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as wal",
  )
  return { ...cpu, stored: Number(rows[0]?.stored), wal: Number(rows[0]?.wal) }
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
  const per1000 = (key: keyof Reading): number => round(((after[key] - before[key]) / steps) * 1_000, 4)
  const cpu_by_process = {
    server: per1000('server'),
    worker: per1000('worker'),
    driver: per1000('driver'),
    postgres: per1000('postgres'),
  }
  const { server, worker, driver, postgres } = cpu_by_process
  const ours = (['server', 'worker', 'driver', 'postgres'] as const).reduce((sum, key) => sum + after[key] - before[key], 0)
  return {
    cpu_s_per_1000_steps: round(server + worker + driver + postgres, 4),
    cpu_by_process,
    foreign_cores: round((after.machine - before.machine - ours) / (elapsedMs / 1_000), 2),
    stored_bytes_per_step: round((after.stored - before.stored) / steps, 0),
    wal_bytes_per_step: round((after.wal - before.wal) / steps, 0),
  }
}
