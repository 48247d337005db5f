/** What a driver is told to do, and what it reports: JSON between two processes of one bench run. */
import { z } from 'zod'

const TARGET = { module: z.string(), url: z.string(), gate: z.string().optional(), shape: z.string() }

const PLAN = z.discriminatedUnion('type', [
  z.object({
    ...TARGET,
    type: z.literal('closed_loop'),
    inFlight: z.number(),
    warmupMs: z.number(),
    until: z.union([z.object({ ms: z.number() }), z.object({ tasks: z.number() })]),
    inputBytes: z.number().optional(),
  }),
  z.object({ ...TARGET, type: z.literal('paced'), tasksPerS: z.number(), warmupMs: z.number(), ms: z.number() }),
  z.object({ ...TARGET, type: z.literal('clocked'), tasks: z.number(), warmupTasks: z.number() }),
  z.object({ ...TARGET, type: z.literal('backlog'), tasks: z.number(), submitters: z.number() }),
  z.object({ ...TARGET, type: z.literal('timers'), tasks: z.number(), warmupMs: z.number() }),
])

export type DriverPlan = z.infer<typeof PLAN>

/** One measured stretch: how many tasks, in what time, and of each the milliseconds that are looked at. */
const STRETCH = z.object({
  done: z.number(),
  /** With those of the warm-up, and those that were in flight when the stretch ended. */
  doneInAll: z.number(),
  elapsedMs: z.number(),
  samplesMs: z.array(z.number()),
})

export type Stretch = z.infer<typeof STRETCH>

export const parsePlan = (text: string): DriverPlan => PLAN.parse(JSON.parse(text))

export const parseStretch = (text: string): Stretch => STRETCH.parse(JSON.parse(text))
