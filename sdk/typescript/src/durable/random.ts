/** Dice that fall the same way on every replay: numbers that follow from a seed and the path of a scope. */

/** Four words from a text (cyrb128, public domain, by bryc). */
const words = (text: string): [number, number, number, number] => {
  let [a, b, c, d] = [1_779_033_703, 3_144_134_277, 1_013_904_242, 2_773_480_762]
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    a = b ^ Math.imul(a ^ code, 597_399_067)
    b = c ^ Math.imul(b ^ code, 2_869_860_233)
    c = d ^ Math.imul(c ^ code, 951_274_213)
    d = a ^ Math.imul(d ^ code, 2_716_044_179)
  }
  a = Math.imul(c ^ (a >>> 18), 597_399_067)
  b = Math.imul(d ^ (b >>> 22), 2_869_860_233)
  c = Math.imul(a ^ (c >>> 17), 951_274_213)
  d = Math.imul(b ^ (d >>> 19), 2_716_044_179)
  return [a ^ b ^ c ^ d, a ^ b, a ^ c, a ^ d]
}

/** Turns before the first number, so that near seeds are far apart. */
const WARM_UP = 12

export interface Dice {
  /** 32 bits. */
  readonly next: () => number
}

/** The generator sfc32 (Chris Doty-Humphrey, PractRand). */
export const diceOf = (seed: string, path: string): Dice => {
  let [a, b, c, counter] = words(`${seed}\n${path}`)
  const next = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return sum >>> 0
  }
  for (let turn = 0; turn < WARM_UP; turn++) next()
  return { next }
}

const TWO_TO_26 = 2 ** 26
const TWO_TO_53 = 2 ** 53

/** From 0 up to 1, 53 bits of it drawn. */
export const fraction = ({ next }: Dice): number => ((next() >>> 5) * TWO_TO_26 + (next() >>> 6)) / TWO_TO_53

/** A UUID of version 4 (RFC 9562). */
export const uuidFrom = ({ next }: Dice): string => {
  const hex = [next(), next(), next(), next()].map((word) => word.toString(16).padStart(8, '0')).join('')
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16)
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `${variant}${hex.slice(17, 20)}`, hex.slice(20)].join('-')
}
