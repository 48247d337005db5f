/** Numbers as people read them, and round places on an axis. */

/** Three digits that count, thousands apart: 14,666, 12.4, 0.083. */
export const shown = (value: number): string => {
  if (!Number.isFinite(value)) return '–'
  if (Math.abs(value) >= 100 || Number.isInteger(value)) return grouped(Math.round(value))
  return String(Number(value.toPrecision(3)))
}

const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',')

/** For axes: 1k, 20M. */
export const compact = (value: number): string => {
  if (value >= 1_000_000) return `${Number((value / 1_000_000).toPrecision(3))}M`
  return value >= 10_000 ? `${Number((value / 1_000).toPrecision(3))}k` : shown(value)
}

const STEPS_MAX = 6

/** Round places from 0 to at least `most`. */
export const roundPlaces = (most: number): readonly number[] => {
  const rough = (most > 0 ? most : 1) / (STEPS_MAX - 1)
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10) * power
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, n) => Number((n * step).toPrecision(12)))
}

/** Powers of ten around both. */
export const powersAround = (least: number, most: number): readonly number[] => {
  const [from, to] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))]
  return Array.from({ length: Math.max(1, to - from) + 1 }, (_, n) => Number((10 ** (from + n)).toPrecision(12)))
}
