/** Where a process may crash: inside any call of a port, before its effect or after it. */
import type { Dice } from './dice.js'
import type { Weather } from './weather.js'

export const MOMENTS = ['before', 'after'] as const

/** A process dies before the effect of a call, or after it. */
export type Moment = (typeof MOMENTS)[number]

export interface CrashPoints {
  /** Asked at each call of a port by a process that lives: whether it dies there. */
  at(call: string): Moment | undefined
}

/** The clock is asked far more often than anything else; it has its share of the crashes and no more. */
const CLOCK_SHARE = 0.02

/** Each call with the same small probability. */
export const randomCrashes = (dice: Dice, weather: Weather): CrashPoints => ({
  at: (call) => {
    const { crashAtCall } = weather.faults
    if (crashAtCall === 0) return undefined
    if (!dice.chance(call.startsWith('clock') ? crashAtCall * CLOCK_SHARE : crashAtCall)) return undefined
    return dice.pick(MOMENTS)
  },
})

/** One crash, at the call with this number, counted over all processes; none when it is not reached. */
export class CrashAtCall implements CrashPoints {
  readonly number: number
  readonly moment: Moment
  #calls = 0
  /** The call in which it happened. */
  hit: string | undefined

  constructor(number: number, moment: Moment) {
    this.number = number
    this.moment = moment
  }

  at(call: string): Moment | undefined {
    if (++this.#calls !== this.number) return undefined
    this.hit = call
    return this.moment
  }
}
