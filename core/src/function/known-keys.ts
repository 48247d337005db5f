/**
 * The keys that a journal holds, found without reading it: what was recorded lately is read from its end, what came before stands in sets.
 *
 * I1  The last so many facts are not in a set, so a short journal has none.
 * I2  Sets are joined with those of their size, so there are few of them, however long the journal, and a key is put into few of them.
 */
import { LIMITS } from '../limits.js'
import type { JournalFact } from './events.js'
import type { JournalLink } from './links.js'

/** Of some facts in a row. */
export interface KeySets {
  /** Facts they stand for. */
  readonly facts: number
  readonly operations: ReadonlySet<string>
  readonly patches: ReadonlySet<string>
  /** The sets of the facts before, which are more. */
  readonly before: KeySets | undefined
}

export interface KnownKeys {
  readonly operations: Set<string>
  readonly patches: Set<string>
}

interface Indexed {
  readonly last: JournalLink | undefined
  readonly length: number
  readonly keySets: KeySets | undefined
}

/** What of `proposed` the journal holds: as keys of operations, and of patches. */
export const knownAmong = ({ last, length, keySets }: Indexed, proposed: ReadonlySet<string>): KnownKeys => {
  const known: KnownKeys = { operations: new Set(), patches: new Set() }
  let unread = length - factsIn(keySets)
  for (let link = last; link !== undefined && unread > 0; link = link.before, unread--) {
    const { fact } = link
    if ('key' in fact && proposed.has(fact.key)) note(known, fact)
  }
  for (let sets = keySets; sets !== undefined; sets = sets.before) {
    for (const key of proposed) {
      if (sets.operations.has(key)) known.operations.add(key)
      if (sets.patches.has(key)) known.patches.add(key)
    }
  }
  return known
}

/** The sets of a journal that has become longer (I1). */
export const keySetsOf = (keySets: KeySets | undefined, last: JournalLink | undefined, length: number): KeySets | undefined => {
  const unread = length - factsIn(keySets)
  if (unread < LIMITS.journalFactsUnindexed) return keySets
  const known: KnownKeys = { operations: new Set(), patches: new Set() }
  let left = unread
  for (let link = last; link !== undefined && left > 0; link = link.before, left--) note(known, link.fact)
  return joined({ facts: unread, ...known, before: keySets })
}

/** I2 */
const joined = (sets: KeySets): KeySets => {
  const { before } = sets
  if (before === undefined || before.facts > sets.facts) return sets
  return joined({
    facts: before.facts + sets.facts,
    operations: union(before.operations, sets.operations),
    patches: union(before.patches, sets.patches),
    before: before.before,
  })
}

const union = (a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> => {
  const all = new Set(a)
  for (const key of b) all.add(key)
  return all
}

const factsIn = (keySets: KeySets | undefined): number => {
  let facts = 0
  for (let sets = keySets; sets !== undefined; sets = sets.before) facts += sets.facts
  return facts
}

const note = ({ operations, patches }: KnownKeys, fact: JournalFact): void => {
  if (!('key' in fact)) return
  if (fact.type === 'effect.recorded') {
    if (fact.kind === 'patch') patches.add(fact.key)
    else if (fact.kind !== 'state') operations.add(fact.key)
  } else if (fact.type.endsWith('.started')) operations.add(fact.key)
}
