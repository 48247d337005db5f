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

const USE = z.object({ statement: z.string(), calls: z.number(), rows: z.number(), us: z.number(), wal_bytes: z.number() })

const PROFILE = z.object({
  steps: z.number(),
  cpu_us_per_step: NUMBERS,
  budget_us_per_step: NUMBERS,
  statements: z.array(USE).readonly(),
  /** Bars of a flame, a line each. */
  server: z.array(z.string()).readonly(),
  worker: z.array(z.string()).readonly(),
})

const RESULTS = z.object({
  targets: z
    .object({
      ...FROM,
      runs: z.number(),
      figures: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.array(z.number()).readonly()))),
    })
    .optional(),
  growth: z.record(z.string(), z.object({ ...FROM, points: z.array(NUMBERS).readonly() })).default({}),
  /** By workload. */
  profile: z.object({ ...FROM, workloads: z.record(z.string(), PROFILE) }).optional(),
})

export type Results = z.infer<typeof RESULTS>

/** Where a part of the results is from. */
export type From = Pick<NonNullable<Results['targets']>, 'at' | 'machine' | 'command' | 'form' | 'took_s'>

export const readResults = (file: string): Results =>
  RESULTS.parse(existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {})

/** A part replaces what it found before and leaves the others alone. */
export const keepResults = (file: string, change: (before: Results) => Results): void => {
  writeFileSync(file, `${formatted(change(readResults(file)))}\n`)
}

const WIDTH_MAX = 130

/** As the formatter of the repository writes it: `used` are the columns that the line has already, with those of a comma behind. */
const formatted = (value: unknown, indent = '', used = 1): string => {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inner = `${indent}  `
  if (!Array.isArray(value)) {
    const members = Object.entries(value).map(([name, of]: [string, unknown]) => {
      const key = `${inner}${JSON.stringify(name)}: `
      return `${key}${formatted(of, inner, key.length + 1)}`
    })
    return members.length === 0 ? '{}' : `{\n${members.join(',\n')}\n${indent}}`
  }
  const items = value.map((item: unknown) => formatted(item, inner, inner.length + 1))
  const line = `[${items.join(', ')}]`
  const fits = !line.includes('\n') && line.length + used <= WIDTH_MAX
  return fits ? line : `[\n${items.map((item) => `${inner}${item}`).join(',\n')}\n${indent}]`
}
