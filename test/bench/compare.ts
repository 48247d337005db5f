/** Runs beside each other: the one in the middle of several, and how many times better one system is than another. */
import type { Lateness, Measured, Throughput } from './figures.js'
import { round } from './statistics.js'

/** The figure that says most of a run. */
export const firstFigure = (measured: Measured): number => {
  if ('drain' in measured) return measured.drain.tasks_per_s
  if ('lateness_p99_ms' in measured) return measured.lateness_p99_ms
  return 'steps_per_s' in measured ? measured.steps_per_s : measured.cpu_s_per_1000_steps
}

/** By the first figure; of an even number the lower of the two in the middle. */
export const medianOf = (all: readonly Measured[]): Measured => {
  const middle = all.toSorted((a, b) => firstFigure(a) - firstFigure(b))[Math.floor((all.length - 1) / 2)]
  if (middle === undefined) throw new Error('nothing was measured')
  return middle
}

/** Ours over theirs where more is better, theirs over ours where less is. */
export const ratios = (ours: Measured, theirs: Measured): Readonly<Record<string, number>> => {
  if ('drain' in ours && 'drain' in theirs)
    return {
      submit_times_faster: times(ours.submit.tasks_per_s, theirs.submit.tasks_per_s),
      drain_times_faster: times(ours.drain.tasks_per_s, theirs.drain.tasks_per_s),
      cpu_times_less: times(theirs.drain.cpu_s_per_1000_steps, ours.drain.cpu_s_per_1000_steps),
    }
  if ('lateness_p99_ms' in ours && 'lateness_p99_ms' in theirs) return ratiosOfLateness(ours, theirs)
  if ('steps_per_s' in ours && 'steps_per_s' in theirs) return ratiosOfThroughput(ours, theirs)
  throw new Error('runs of different workloads cannot be compared')
}

const ratiosOfLateness = (ours: Lateness, theirs: Lateness) => ({
  p50_times_less: times(theirs.lateness_p50_ms, ours.lateness_p50_ms),
  p99_times_less: times(theirs.lateness_p99_ms, ours.lateness_p99_ms),
  cpu_times_less: times(theirs.cpu_s_per_1000_steps, ours.cpu_s_per_1000_steps),
})

const ratiosOfThroughput = (ours: Throughput, theirs: Throughput) => ({
  steps_times_faster: times(ours.steps_per_s, theirs.steps_per_s),
  p50_times_less: times(theirs.p50_ms, ours.p50_ms),
  p99_times_less: times(theirs.p99_ms, ours.p99_ms),
  cpu_times_less: times(theirs.cpu_s_per_1000_steps, ours.cpu_s_per_1000_steps),
})

const times = (more: number, less: number): number => round(more / less, 2)
