/** Lengths of time as people write them. */
import { TaskerError } from './errors/tasker-error.js'

/** Milliseconds, or a number with its unit such as `'500ms'`, `'30s'`, `'5m'`, `'2h'`, `'1d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const unitMs: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/** Whole milliseconds; throws `INVALID_INPUT` for what is no duration or is negative. */
export const durationMs = (duration: Duration): number => {
  const ms = typeof duration === 'number' ? duration : parsed(duration)
  if (Number.isFinite(ms) && ms >= 0) return Math.round(ms)
  throw new TaskerError({
    code: 'INVALID_INPUT',
    reason: 'BAD_DURATION',
    message: `${JSON.stringify(duration)} is not a duration`,
    hint: "give milliseconds or a text such as '500ms', '30s', '5m', '2h' or '1d'",
  })
}

const parsed = (text: string): number => {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text)
  return Number(match?.[1]) * (unitMs.get(match?.[2] ?? '') ?? Number.NaN)
}
