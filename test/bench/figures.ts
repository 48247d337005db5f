/** The figures of one run, by the kind of its load. */

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
  /** Of all steps since the system was started, after a VACUUM; where the system has a database, and only at the end of a run. */
  readonly vacuumed_bytes_per_step?: number
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

/** When the steps of one task after another began, each from its task's first step on. */
export interface Clocked extends Costs {
  readonly began_ms: readonly number[]
  readonly tasks: number
}

export type Measured = Throughput | Lateness | Backlog | Clocked
