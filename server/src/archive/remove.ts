/**
 * Takes the commits of archived tasks out of the log, a bounded number at a time.
 *
 * M1  What goes first is the newest: what is left of a stream is its beginning and its last event, so it can be folded at any moment, and a
 *     removal that was cut short goes on.
 * M2  Nothing goes that a reader of the log has not seen: every projection is past `task.archived`.
 */
import { activityKey, type ActivityRow, addedActivity, type Plan, type TaskId, type TemplateHash } from '@tasker/core'
import { type EventLog, TASK_ARCHIVED } from '../log/port.js'
import { type CommitActivity, streamActivity } from '../projections/stream-activity.js'
import { commitsOf } from './gather.js'
import type { RetentionRows } from './rows.js'

/** Commits of one transaction. */
const REMOVED_AT_ONCE_MAX = 500

export interface RemoveParts {
  readonly log: EventLog
  readonly rows: Pick<RetentionRows, 'readers' | 'remove'>
  readonly planOf: (hash: TemplateHash) => Plan | undefined
  /** Waits between two transactions; false when it is time to stop. */
  readonly goOn: () => Promise<boolean>
}

/** `later` when a reader is behind or the server has other things to do; asking again goes on. */
export const removeArchived = async (tasks: readonly TaskId[], parts: RemoveParts): Promise<'removed' | 'later'> => {
  const { projected } = await parts.rows.readers()
  let leaving: CommitActivity[] = []
  for (const taskId of tasks) {
    const commits = await commitsOf(parts.log, taskId)
    const end = commits.at(-1)
    if (end === undefined || end.types[0] !== TASK_ARCHIVED) continue
    if (end.seq > (projected.get(end.partition) ?? 0)) return 'later'
    leaving.push(...streamActivity(commits.slice(0, -1), parts.planOf).toReversed())
    while (leaving.length >= REMOVED_AT_ONCE_MAX) {
      if (!(await removeSome(leaving.slice(0, REMOVED_AT_ONCE_MAX), parts))) return 'later'
      leaving = leaving.slice(REMOVED_AT_ONCE_MAX)
    }
  }
  return leaving.length === 0 || (await removeSome(leaving, parts)) ? 'removed' : 'later'
}

const removeSome = async (leaving: readonly CommitActivity[], { rows, goOn }: RemoveParts): Promise<boolean> => {
  const activity = new Map<string, ActivityRow>()
  for (const row of leaving.flatMap((one) => one.activity)) {
    const there = activity.get(activityKey(row))
    activity.set(activityKey(row), there === undefined ? row : addedActivity(there, row))
  }
  const places = leaving.map(({ commit: { partition, seq } }) => ({ partition, seq }))
  const answer = await rows.remove({ places, activity: [...activity.values()] })
  return answer === 'removed' && goOn()
}
