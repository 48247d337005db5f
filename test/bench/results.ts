/** The one file that keeps what the parts of a bench found, each with where it is from; the page and its pictures are made of it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { REPOSITORY } from '../support/processes.js'

export const RESULTS_FILE = join(REPOSITORY, 'test/bench/results.json')

const FROM = {
  /** The day. */
  at: z.string(),
  machine: z.string(),
  command: z.string(),
  form: z.enum(['short', 'full']),
  took_s: z.number(),
}

const NUMBERS = z.record(z.string(), z.number())

const FLAME: z.ZodType<readonly [string, number, readonly Flame[]]> = z.lazy(() =>
  z.tuple([z.string(), z.number(), z.array(FLAME)]),
)
type Flame = readonly [string, number, readonly Flame[]]

const USE = z.object({ statement: z.string(), calls: z.number(), rows: z.number(), us: z.number(), wal_bytes: z.number() })

const RESULTS = z.object({
  targets: z
    .object({
      ...FROM,
      runs: z.number(),
      figures: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.array(z.number()).readonly()))),
    })
    .optional(),
  growth: z.record(z.string(), z.object({ ...FROM, points: z.array(NUMBERS).readonly() })).default({}),
  profile: z
    .object({
      ...FROM,
      steps: z.number(),
      steps_per_s: z.number(),
      cpu_us_per_step: NUMBERS,
      budget_us_per_step: NUMBERS,
      statements: z.array(USE).readonly(),
      server: FLAME,
      worker: FLAME,
    })
    .optional(),
})

export type Results = z.infer<typeof RESULTS>

/** Where a part of the results is from. */
export type From = Pick<NonNullable<Results['targets']>, 'at' | 'machine' | 'command' | 'form' | 'took_s'>

export const readResults = (file: string): Results =>
  RESULTS.parse(existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {})

/** A part replaces what it found before and leaves the others alone. */
export const keepResults = (file: string, change: (before: Results) => Results): void => {
  writeFileSync(file, `${written(change(readResults(file)))}\n`)
}

/** Objects and lists of objects over several lines, lists of numbers and flames on one: what changes is seen line by line. */
const written = (value: unknown, indent = ''): string => {
  if (Array.isArray(value)) {
    if (!value.some((item) => typeof item === 'object' && item !== null && !Array.isArray(item))) return JSON.stringify(value)
    return `[\n${value.map((item) => `${indent}  ${JSON.stringify(item)}`).join(',\n')}\n${indent}]`
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(
    ([name, of]: [string, unknown]) => `${indent}  ${JSON.stringify(name)}: ${written(of, `${indent}  `)}`,
  )
  return members.length === 0 ? '{}' : `{\n${members.join(',\n')}\n${indent}}`
}
