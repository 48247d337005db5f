/** One measured window: what the driver saw, and what it cost. */
import { type DriverReport, parseReport } from './driver-plan.js'
import { machineBusySeconds, treeCpuSeconds } from './process-cpu.js'
import { type RunningProgram, runProgram } from '../support/processes.js'
import type { Stack } from './stack.js'

export interface Load {
  readonly inFlight: number
  readonly warmupMs: number
  readonly windowMs: number
  /** Above 0: the window ends with this many tasks instead of by time. */
  readonly tasks: number
  readonly stepsPerTask: number
}

export interface Measured {
  readonly steps_per_s: number
  readonly tasks_per_s: number
  readonly p50_ms: number
  readonly p99_ms: number
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
  readonly tasks: number
}

interface Reading {
  readonly server: number
  readonly worker: number
  readonly driver: number
  readonly postgres: number
  readonly machine: number
  readonly stored: number
  readonly wal: number
}

export const measure = async (stack: Stack, load: Load): Promise<Measured> => {
  const { inFlight, warmupMs, windowMs, tasks } = load
  const driver = runProgram([
    'test/dist/bench/driver-process.js',
    JSON.stringify({ url: stack.grpcUrl, inFlight, warmupMs, windowMs, tasks }),
  ])
  await driver.line(/^open$/)
  const before = await read(stack, driver)
  await driver.line(/^close$/)
  const after = await read(stack, driver)
  const report = parseReport(await driver.line(/^\{.*\}$/))
  return summary(report, before, after, load.stepsPerTask)
}

const read = async ({ pids, database }: Stack, driver: RunningProgram): Promise<Reading> => {
  const cpu = {
    server: treeCpuSeconds(pids.server),
    worker: treeCpuSeconds(pids.worker),
    driver: treeCpuSeconds(driver.pid),
    postgres: treeCpuSeconds(pids.postgres),
    machine: machineBusySeconds(),
  }
  const { rows } = await database.query<{ stored: string; wal: string }>(
    "select pg_database_size(current_database()) as stored, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as wal",
  )
  return { ...cpu, stored: Number(rows[0]?.stored), wal: Number(rows[0]?.wal) }
}

const summary = (
  { done, elapsedMs, latenciesMs }: DriverReport,
  before: Reading,
  after: Reading,
  stepsPerTask: number,
): Measured => {
  const steps = done * stepsPerTask
  const seconds = elapsedMs / 1_000
  const per1000 = (key: keyof Reading): number => round(((after[key] - before[key]) / steps) * 1_000, 4)
  const cpu_by_process = {
    server: per1000('server'),
    worker: per1000('worker'),
    driver: per1000('driver'),
    postgres: per1000('postgres'),
  }
  const ours =
    after.server + after.worker + after.driver + after.postgres - before.server - before.worker - before.driver - before.postgres
  const sorted = latenciesMs.toSorted((a, b) => a - b)
  return {
    steps_per_s: round(steps / seconds, 0),
    tasks_per_s: round(done / seconds, 1),
    p50_ms: round(quantile(sorted, 0.5), 2),
    p99_ms: round(quantile(sorted, 0.99), 2),
    cpu_s_per_1000_steps: round(
      cpu_by_process.server + cpu_by_process.worker + cpu_by_process.driver + cpu_by_process.postgres,
      4,
    ),
    cpu_by_process,
    foreign_cores: round((after.machine - before.machine - ours) / seconds, 2),
    stored_bytes_per_step: round((after.stored - before.stored) / steps, 0),
    wal_bytes_per_step: round((after.wal - before.wal) / steps, 0),
    tasks: done,
  }
}

export const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0

const round = (value: number, digits: number): number => Number(value.toFixed(digits))
