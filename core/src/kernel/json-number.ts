/**
 * Whether a double holds the number that a JSON literal spells.
 *
 * N1  A literal with d significant digits is held when the nearest double, written with d significant digits, spells the same number again;
 *     printers differ on which way a half is rounded, so both are held.
 * N2  So 0.1, 1e23 and everything that a program printed from a double are held; 9007199254740993, 0.1234567890123456789 and 1e999 are not,
 *     and neither is 1e-999, which would become zero.
 * N3  More than 100 significant digits are never held: no double is written that way.
 */

/** The most significant digits that are compared, and the most that a number can be written with. */
const SIGNIFICANT_DIGITS_MAX = 100
/** Any decimal of so many digits survives a double. */
const SAFE_DIGITS = 15
const NONZERO_DIGIT = /[1-9]/

/** `literal` must be a number by the grammar of JSON. */
export const doubleHolds = (literal: string): boolean => {
  if (literal.length <= SAFE_DIGITS && !hasExponent(literal)) return true
  const value = Number(literal)
  if (!Number.isFinite(value)) return false
  const spelled = decimalOf(literal)
  if (spelled.digits === '') return true
  if (value === 0 || spelled.digits.length > SIGNIFICANT_DIGITS_MAX) return false
  return same(decimalOf(value.toPrecision(spelled.digits.length)), spelled) || isHalfAbove(value, spelled)
}

const same = (a: Decimal, b: Decimal): boolean => a.digits === b.digits && a.exponent === b.exponent

/** Whether the value lies exactly half a unit of the last digit from what is spelled, which `toPrecision` rounds the other way. */
const isHalfAbove = (value: number, spelled: Decimal): boolean =>
  same(decimalOf(value.toPrecision(SIGNIFICANT_DIGITS_MAX)), { digits: `${spelled.digits}5`, exponent: spelled.exponent })

/** `digits` without zeros at either end, to be read behind a decimal point, times ten to the `exponent`; no digits for zero. */
interface Decimal {
  readonly digits: string
  readonly exponent: number
}

const hasExponent = (literal: string): boolean => literal.includes('e') || literal.includes('E')

const decimalOf = (literal: string): Decimal => {
  const unsigned = literal.startsWith('-') ? literal.slice(1) : literal
  const exponentAt = unsigned.search(/[eE]/)
  const mantissa = exponentAt === -1 ? unsigned : unsigned.slice(0, exponentAt)
  const power = exponentAt === -1 ? 0 : Number(unsigned.slice(exponentAt + 1))
  const point = mantissa.indexOf('.')
  const whole = point === -1 ? mantissa : mantissa.slice(0, point)
  const all = point === -1 ? mantissa : whole + mantissa.slice(point + 1)
  const first = all.search(NONZERO_DIGIT)
  if (first === -1) return { digits: '', exponent: 0 }
  return { digits: all.slice(first, lastNonzero(all) + 1), exponent: whole.length - first + power }
}

const lastNonzero = (digits: string): number => {
  let last = digits.length - 1
  while (digits.charCodeAt(last) === 0x30) last--
  return last
}
