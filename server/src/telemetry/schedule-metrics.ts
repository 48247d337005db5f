/** What is counted of schedules. */
import { Counter, Histogram, type Registry } from 'prom-client'

/** What the engine reports of schedules. */
export interface ScheduleMetrics {
  /** A schedule fired; how late, when it was its time that came. */
  scheduleFired(by: string, secondsLate: number | undefined): void
  /** Firings that were left out. */
  scheduleSkipped(reason: string, count: number): void
}

const LATE_BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 3_600, 86_400]

/** Firings are few: each is put where Prometheus reads at once. */
export const scheduleMetrics = (registry: Registry): ScheduleMetrics => {
  const fired = new Counter({
    name: 'tasker_schedule_firings_total',
    help: 'Firings of schedules.',
    labelNames: ['by'],
    registers: [registry],
  })
  const skipped = new Counter({
    name: 'tasker_schedule_skips_total',
    help: 'Times of schedules that were left out.',
    labelNames: ['reason'],
    registers: [registry],
  })
  const late = new Histogram({
    name: 'tasker_schedule_lateness_seconds',
    help: 'How late schedules fired.',
    buckets: LATE_BUCKETS,
    registers: [registry],
  })
  return {
    scheduleFired: (by, secondsLate) => {
      fired.inc({ by })
      if (secondsLate !== undefined) late.observe(secondsLate)
    },
    scheduleSkipped: (reason, count) => skipped.inc({ reason }, count),
  }
}
