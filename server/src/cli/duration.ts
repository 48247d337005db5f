/** Lengths of time as flags say them. */
import { InvalidArgumentError } from 'commander'

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/** Milliseconds of a text such as `500ms`, `30s`, `5m`, `2h` or `1d`. */
export const durationFlag = (text: string): number => {
  const match = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text)
  const unit = UNIT_MS.get(match?.[2] ?? '')
  if (unit === undefined) throw new InvalidArgumentError('Say a number and its unit: 500ms, 30s, 5m, 2h or 1d.')
  return Number(match?.[1]) * unit
}
