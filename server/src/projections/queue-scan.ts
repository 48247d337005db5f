/** What a refill reads of a queue: the first rows of each fairness key, of all keys or of a stretch of them. */
import { compareRanked, type ReadyRow } from '@tasker/core'

export interface QueueRequest {
  /** Only keys that come after this one, in order of their bytes. */
  readonly after: string | undefined
  readonly keysMax: number
  /** Rows in all; of each key an equal share, and one at least. */
  readonly rowsMax: number
}

export interface QueueScan {
  readonly after: string | undefined
  /** The last key that was looked at; undefined when that was the last there is. */
  readonly upTo: string | undefined
  /** The scan speaks for this key, also where it has no rows of it. */
  readonly includes: (key: string) => boolean
  /** By key: the rows up to a horizon, in any order; without one they are all of the key's. */
  readonly lanes: ReadonlyMap<string, { readonly rows: readonly ReadyRow[]; readonly horizon: ReadyRow | undefined }>
}

/** How many rows of each key are read, when so many keys were found. A stretch of the keys gives each its turn once. */
export const shareOf = ({ after, keysMax, rowsMax }: QueueRequest, keys: number): number =>
  after !== undefined || keys >= keysMax ? 1 : Math.max(1, Math.floor(rowsMax / Math.max(1, keys)))

/** Bytes of UTF-8, as the index orders them. */
export const compareKeys = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/**
 * The rows of the store and of what is not projected yet, as one. `isStale` tells whose stored rows do not count any more; `tail` holds
 * the rows of those tasks as they are now.
 */
export const scanQueue = (
  stored: readonly ReadyRow[],
  request: QueueRequest,
  isStale: (row: ReadyRow) => boolean,
  tail: readonly ReadyRow[],
): QueueScan => {
  const byKey = rowsByKey(stored)
  const { after, keysMax } = request
  const storedUpTo = byKey.size < keysMax ? undefined : [...byKey.keys()].sort(compareKeys).at(-1)
  const tailByKey = rowsByKey(tail.filter(({ fairnessKey }) => isBetween(fairnessKey, after, storedUpTo)))
  const keys = [...new Set([...byKey.keys(), ...tailByKey.keys()])].sort(compareKeys)
  const upTo = keys.length > keysMax ? keys[keysMax - 1] : storedUpTo
  const share = shareOf(request, byKey.size)
  const lanes = new Map<string, { readonly rows: readonly ReadyRow[]; readonly horizon: ReadyRow | undefined }>()
  for (const key of keys.slice(0, keysMax)) {
    const rows = byKey.get(key) ?? []
    const horizon = rows.length < share ? undefined : rows.toSorted(compareRanked).at(-1)
    const unprojected = tailByKey.get(key) ?? []
    const near = horizon === undefined ? unprojected : unprojected.filter((row) => compareRanked(row, horizon) <= 0)
    lanes.set(key, { rows: [...rows.filter((row) => !isStale(row)), ...near], horizon })
  }
  return { after, upTo, includes: (key) => isBetween(key, after, upTo), lanes }
}

const isBetween = (key: string, after: string | undefined, upTo: string | undefined): boolean =>
  (after === undefined || compareKeys(key, after) > 0) && (upTo === undefined || compareKeys(key, upTo) <= 0)

const rowsByKey = (rows: readonly ReadyRow[]): ReadonlyMap<string, readonly ReadyRow[]> => {
  const byKey = new Map<string, ReadyRow[]>()
  for (const row of rows) {
    const list = byKey.get(row.fairnessKey)
    if (list === undefined) byKey.set(row.fairnessKey, [row])
    else list.push(row)
  }
  return byKey
}
