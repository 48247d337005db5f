/**
 * The journal as it is read: entries in their order, and those that nobody has asked for yet.
 *
 * R1  Entries are read once, in order.
 * R2  An entry whose operation was not asked for is held until somebody asks by its key: branches may come in another order.
 * R3  What is held when the journal ends was recorded by a function that did something else; of several, the first is told.
 */
import { divergenceOf, entryTold, isKeyed, type Divergence, type Site, type Told } from './divergence.js'
import { isOwn, type JournalEntry, type KeyedEntry } from './entries.js'

/** What the function did where an entry was expected. */
export interface Instead {
  readonly told: Told | 'end' | 'nothing'
  readonly site: Site | undefined
}

interface Held {
  readonly entries: (KeyedEntry & JournalEntry)[]
  readonly instead: Instead
}

export class Journal {
  readonly #entries: JournalEntry[] = []
  readonly #held = new Map<string, Held>()
  readonly #patches = new Set<string>()
  readonly #refusedUpdates = new Set<string>()
  #read = 0
  /** The place behind the last entry of the history that the function itself caused. */
  #passed = 0
  #ended = false

  /** `history` is what an earlier run of the function may have seen, `patches` what such a run was told yes and is not recorded yet. */
  constructor(history: readonly JournalEntry[], patches: Iterable<string> = []) {
    for (const patch of patches) this.#patches.add(patch)
    this.append(history)
    this.#passed = history.findLastIndex(isOwn) + 1
  }

  append(entries: readonly JournalEntry[]): void {
    for (const entry of entries) {
      this.#entries.push(entry)
      if (entry.type === 'effect.recorded' && entry.kind === 'patch') this.#patches.add(entry.key)
      if (entry.type === 'update.answered' && entry.outcome.type === 'refused') this.#refusedUpdates.add(entry.id)
    }
  }

  /** The next entry, or undefined at the end. */
  next(): JournalEntry | undefined {
    const entry = this.#entries[this.#read]
    if (entry === undefined) return undefined
    this.#read++
    if (entry.type === 'function.ended') this.#ended = true
    return entry
  }

  /** Whether an earlier run is known to have come past the place that is read now. */
  get isReplay(): boolean {
    return this.#read < this.#passed
  }

  /** The function came to its end in an earlier run. */
  get hasEnded(): boolean {
    return this.#ended
  }

  isPatched(id: string): boolean {
    return this.#patches.has(id)
  }

  /** An earlier run refused the update. */
  hasRefused(updateId: string): boolean {
    return this.#refusedUpdates.has(updateId)
  }

  hold(entry: JournalEntry, instead: Instead): void {
    if (!isKeyed(entry)) return
    const held = this.#held.get(entry.key)
    if (held === undefined) this.#held.set(entry.key, { entries: [entry], instead })
    else held.entries.push(entry)
  }

  /** What is held for a key, which is asked for now. */
  claim(key: string): readonly (KeyedEntry & JournalEntry)[] {
    const held = this.#held.get(key)
    this.#held.delete(key)
    return held?.entries ?? []
  }

  /** What nobody asked for, once everything is read. */
  unclaimed(): Divergence | undefined {
    const [first] = this.#held.values()
    const [entry] = first?.entries ?? []
    if (first === undefined || entry === undefined) return undefined
    return divergenceOf(entryTold(entry), first.instead.told, first.instead.site)
  }
}
