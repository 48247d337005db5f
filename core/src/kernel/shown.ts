/** A value as people are shown it: all of it while it is short, its beginning when it is not. */
import { type Json, type JsonText, jsonOf } from './json.js'

export interface Shown {
  /** JSON; where it is cut, the beginning of the text, which is no JSON any more. */
  readonly text: string
  /** Characters of the whole value, where it is cut. */
  readonly cutFrom: number | undefined
}

export const shownText = (text: JsonText, charsMax: number): Shown =>
  text.length <= charsMax ? { text, cutFrom: undefined } : { text: wholePairs(text.slice(0, charsMax)), cutFrom: text.length }

export const shownValue = (value: Json, charsMax: number): Shown => shownText(jsonOf(value), charsMax)

const HALF_PAIR_AT_END = /[\ud800-\udbff]$/

/** Half a surrogate pair could not be sent. */
const wholePairs = (text: string): string => text.replace(HALF_PAIR_AT_END, '')
