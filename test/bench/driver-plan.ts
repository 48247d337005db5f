/** What the driver is told to do, and what it reports: JSON between two processes of one bench run. */
import { z } from 'zod'

const PLAN = z.object({
  url: z.string(),
  inFlight: z.number(),
  warmupMs: z.number(),
  /** A window by time, or by tasks when `tasks` is above 0. */
  windowMs: z.number(),
  tasks: z.number(),
})

export type DriverPlan = z.infer<typeof PLAN>

const REPORT = z.object({ done: z.number(), elapsedMs: z.number(), latenciesMs: z.array(z.number()) })

export type DriverReport = z.infer<typeof REPORT>

export const parsePlan = (text: string): DriverPlan => PLAN.parse(JSON.parse(text))

export const parseReport = (text: string): DriverReport => REPORT.parse(JSON.parse(text))
