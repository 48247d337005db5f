/** What a step cost when it was last kept: counts for every machine, figures by machine. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { REPOSITORY } from '../../support/processes.js'
import { round } from '../statistics.js'
import type { Counts } from './counts.js'

const FILE = join(REPOSITORY, 'test/bench/baseline.json')

const BASELINE = z.object({
  counts: z.object({
    commits: z.number(),
    events: z.number(),
    event_bytes: z.number(),
    append_statements: z.number(),
    statements: z.number(),
    append_wal_bytes: z.number(),
    messages: z.number(),
    wire_bytes: z.number(),
    allocated_bytes: z.number(),
  }),
  /** By the description of a machine, then by workload. */
  machines: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.number()))),
})

export type Baseline = z.infer<typeof BASELINE>

export const readBaseline = (): Baseline => BASELINE.parse(JSON.parse(readFileSync(FILE, 'utf8')))

export const keepBaseline = (baseline: Baseline): void => writeFileSync(FILE, `${JSON.stringify(baseline, null, 2)}\n`)

/**
 * By which share a count may lie above its baseline. Projections are written by the clock, so that a slow machine has more of them a step; what
 * V8 allocates differs between its versions.
 */
const ABOVE_MAX: Readonly<Record<keyof Counts, number>> = {
  commits: 0,
  events: 0,
  event_bytes: 0.01,
  append_statements: 0.02,
  statements: 0.5,
  append_wal_bytes: 0.05,
  messages: 0.02,
  wire_bytes: 0.05,
  allocated_bytes: 0.25,
}

const NAMES = Object.keys(ABOVE_MAX) as readonly (keyof Counts)[]

/** Counts that are higher than they may be, in words. */
export const countProblems = (counts: Counts, baseline: Counts): readonly string[] =>
  NAMES.filter((name) => counts[name] > baseline[name] * (1 + ABOVE_MAX[name])).map(
    (name) => `${name} a step: ${counts[name]}, at most ${round(baseline[name] * (1 + ABOVE_MAX[name]), 3)} expected`,
  )
