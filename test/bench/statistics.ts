/** Quantiles and rounding of figures. */

/** The value below which the share `q` of sorted values lies. */
export const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0

export const round = (value: number, digits: number): number => Number(value.toFixed(digits))
