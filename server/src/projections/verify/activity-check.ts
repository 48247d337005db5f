/** The sums of hours against the commits they are sums of: some hours at a time, so that the rows of a check are bounded. */
import { type ActivityRow, activityKey, addedActivity, type Partition } from '@tasker/core'
import type { StoredCommit } from '../../log/port.js'
import { projectionOf } from '../fold/projections.js'
import { recordOf } from '../tables/projected-table.js'
import { ACTIVITY } from '../tables/activity.js'
import { differencesOf } from './compare.js'
import type { ActivityRows, RowDifference, StoredRows } from './port.js'

/** Rows of `activity` held by one check; a single hour with more is a check of its own. */
export const ACTIVITY_ROWS_MAX = 100_000

/** Hours from one on, up to another and without it. */
export interface HourRange {
  readonly fromMs: number
  readonly beforeMs: number
}

/** Ranges that cover all time, the newest first, each with a bounded number of rows. */
export const hourRanges = async (
  stored: Pick<StoredRows, 'activityHours'>,
  rowsMax = ACTIVITY_ROWS_MAX,
): Promise<readonly HourRange[]> => {
  const ranges: HourRange[] = []
  let beforeMs = Number.MAX_SAFE_INTEGER
  let rows = 0
  let hour: number | undefined
  for (const next of (await stored.activityHours()).toReversed()) {
    if (hour !== undefined && rows + next.rows > rowsMax) {
      ranges.push({ fromMs: hour, beforeMs })
      beforeMs = hour
      rows = 0
    }
    rows += next.rows
    hour = next.hourMs
  }
  return [...ranges, { fromMs: 0, beforeMs }]
}

/** One range of hours, as it was at one moment; it hears of all streams, and then tells. */
export class ActivityCheck {
  readonly #range: HourRange
  readonly #stored: ActivityRows
  readonly #sums = new Map<string, ActivityRow>()
  #spoiled: string | undefined

  constructor(range: HourRange, stored: ActivityRows) {
    this.#range = range
    this.#stored = stored
  }

  get checkpoints(): ReadonlyMap<Partition, number> {
    return this.#stored.checkpoints
  }

  /** Whether a commit counts in these sums. */
  counts({ partition, seq, at }: StoredCommit): boolean {
    const { fromMs, beforeMs } = this.#range
    return seq <= (this.checkpoints.get(partition) ?? 0) && at >= fromMs && at < beforeMs
  }

  add(rows: readonly ActivityRow[]): void {
    for (const row of rows) {
      const key = activityKey(row)
      const there = this.#sums.get(key)
      this.#sums.set(key, there === undefined ? row : addedActivity(there, row))
    }
  }

  /** What some commits added is not known, so nothing can be said of the sums. */
  spoil(why: string): void {
    this.#spoiled ??= why
  }

  get spoiled(): string | undefined {
    return this.#spoiled
  }

  /** Only after all streams were heard. */
  differences(): readonly RowDifference[] {
    if (this.#spoiled !== undefined) return []
    this.add(this.#stored.archived)
    const expected = [...this.#sums.values()].map((row) => recordOf(ACTIVITY, row))
    return differencesOf(projectionOf('activity'), expected, this.#stored.rows, undefined)
  }
}
