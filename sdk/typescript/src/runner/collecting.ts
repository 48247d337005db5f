/** The journal of a function that has yet to begin here, as it comes in: without gaps, each entry once. */
import type { JournalNews, Payload } from '@tasker/proto'
import type { JournalEntry } from '../durable/entries.js'
import { textOf } from './wire-entries.js'

export class Collecting {
  readonly entries: JournalEntry[] = []
  /** The server was asked for all of it. */
  isAskedFor = false
  readonly #length: number
  #input: Payload | undefined
  #beganAtMs = 0

  /** `length` is how many there are at least. */
  constructor(length: number) {
    this.#length = length
  }

  get length(): number {
    return this.entries.length
  }

  add(fresh: readonly JournalEntry[], { input, beganAtMs }: Pick<JournalNews, 'input' | 'beganAtMs'>): void {
    this.entries.push(...fresh)
    if (input === undefined) return
    this.#input = input
    this.#beganAtMs = beganAtMs
  }

  /** What the function begins with, once all of it is here. */
  get whole(): { readonly input: string; readonly beganAtMs: number } | undefined {
    if (this.#input === undefined || this.entries.length < this.#length) return undefined
    return { input: textOf(this.#input), beganAtMs: this.#beganAtMs }
  }
}
