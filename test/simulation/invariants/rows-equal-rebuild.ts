/** I2: rows built again from the log are the rows that the projector wrote, up to its checkpoints at any moment, and all of them at rest. */
import { isDeepStrictEqual } from 'node:util'
import type { AtRest, InvariantOf } from './invariant.js'

export const rowsEqualRebuild: InvariantOf = (violated, witness) => {
  const compare = async ({ store, rebuilt }: Pick<AtRest, 'store' | 'rebuilt'>): Promise<void> => {
    // Both are taken in one turn: nothing is written in between.
    const reading = store.checkpoints()
    const live = store.dump()
    const checkpoints = await reading
    const expected = await rebuilt.upTo(checkpoints)
    for (const table of TABLES) {
      const text = table === 'schedules' ? inOrder : asText
      const [written, built] = [asTexts(live[table], text), asTexts(expected[table], text)]
      if (isDeepStrictEqual(written, built)) continue
      const extra = written.find((row) => !built.includes(row))
      const missing = built.find((row) => !written.includes(row))
      const twice = written.length !== built.length ? `${written.length} rows are ${built.length} in the log; ` : ''
      violated(`I2 rows of ${table} are not those of the log: ${twice}${extra ?? 'none'} stands for ${missing ?? 'none'}`)
    }
  }
  return {
    quiet: compare,
    rest: async (world) => {
      const checkpoints = await world.store.checkpoints()
      for (const [partition, seq] of lastPlaces(witness.commits)) {
        const behind = seq - (checkpoints.get(partition) ?? 0)
        if (behind > 0) violated(`I2 at rest the rows of partition ${partition} are ${behind} commits behind`)
      }
      await compare(world)
    },
  }
}

const TABLES = ['tasks', 'ready', 'timers', 'identities', 'activity', 'keys', 'schedules', 'deadLetters'] as const

type Rows = Iterable<object | readonly [string, unknown]>

const asTexts = (rows: Rows, text: (row: object) => string): readonly string[] => [...rows].map(text).toSorted()

const asText = (row: object): string =>
  JSON.stringify(
    Array.isArray(row) ? row : Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    (_key, value: unknown) => (value instanceof Map ? [...value] : value),
  )

/** What was read from the log may have its members in another order than what was ordered. */
const inOrder = (row: object): string => JSON.stringify(row, (_key, value: unknown) => (isPlain(value) ? sorted(value) : value))

const isPlain = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value)

const sorted = (value: object): object => Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))

/** The last place of each partition whose commit concerns rows: what only the log knows, such as who owns a partition, is projected with the next. */
const lastPlaces = (commits: InvariantCommits): ReadonlyMap<InvariantPartition, number> =>
  new Map(
    commits.flatMap(({ stored, task, key, schedule }) =>
      task === undefined && key === undefined && schedule === undefined ? [] : [[stored.partition, stored.seq] as const],
    ),
  )

type InvariantCommits = Parameters<InvariantOf>[1]['commits']
type InvariantPartition = InvariantCommits[number]['stored']['partition']
