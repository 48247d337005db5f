/** How long tasks that are over stay in the log: an age a namespace, and one for all others. */
import { durationMs, type DurationMs } from '../kernel/instant.js'
import type { Namespace } from '../kernel/ids.js'

export interface Retention {
  /** Undefined for what is kept for ever. */
  readonly ages: ReadonlyMap<string, DurationMs | undefined>
  readonly others: DurationMs | undefined
}

export type RetentionReading =
  | { readonly type: 'valid'; readonly retention: Retention }
  | { readonly type: 'invalid'; readonly message: string }

const UNITS_MS: { readonly [unit: string]: number } = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const AGE_MS_MAX = 100 * 365 * 86_400_000
const ENTRIES_MAX = 1_000
const KEEP = 'keep'
const OTHERS = '*'

/** `shop=30d, audit=keep, *=90d`: units s, m, h and d. What nothing is said of is kept for ever. */
export const readRetention = (text: string): RetentionReading => {
  const ages = new Map<string, DurationMs | undefined>()
  const entries = text.split(',').map((entry) => entry.trim())
  if (text.trim() === '') return { type: 'valid', retention: { ages, others: undefined } }
  if (entries.length > ENTRIES_MAX) return invalid(`has more than ${ENTRIES_MAX} entries`)
  for (const entry of entries) {
    const [, namespace = '', age = ''] = /^([^=]+)=([^=]+)$/.exec(entry) ?? []
    if (namespace === '') return invalid(`has '${entry}', which is not like shop=30d`)
    if (ages.has(namespace.trim())) return invalid(`says twice how long tasks of ${namespace.trim()} are kept`)
    const ageMs = age.trim() === KEEP ? undefined : ageOf(age.trim())
    if (ageMs === 'unreadable')
      return invalid(`has the age '${age.trim()}', which is neither like 90s, 15m, 12h or 30d nor 'keep'`)
    ages.set(namespace.trim(), ageMs)
  }
  const others = ages.get(OTHERS)
  ages.delete(OTHERS)
  return { type: 'valid', retention: { ages, others } }
}

/** Undefined when tasks of the namespace are kept for ever. */
export const retentionAge = ({ ages, others }: Retention, namespace: Namespace): DurationMs | undefined =>
  ages.has(namespace) ? ages.get(namespace) : others

/** Whether anything is ever archived. */
export const archivesAnything = ({ ages, others }: Retention): boolean =>
  others !== undefined || [...ages.values()].some((age) => age !== undefined)

const ageOf = (text: string): DurationMs | 'unreadable' => {
  const [, count = '', unit = ''] = /^(\d{1,10})([smhd])$/.exec(text) ?? []
  const ms = Number(count) * (UNITS_MS[unit] ?? Number.NaN)
  return count !== '' && ms > 0 && ms <= AGE_MS_MAX ? durationMs(ms) : 'unreadable'
}

const invalid = (message: string): RetentionReading => ({ type: 'invalid', message })
