/**
 * Takes the commits of archived tasks out of the log, a bounded number at a time.
 *
 * M1  What goes first is the newest: what is left of a stream is its beginning and its last event, so it can be folded at any moment, and a
 *     removal that was cut short goes on.
 * M2  Nothing goes that a reader of the log has not seen: every projection is past `task.archived`.
 */
import {
  activityKey,
  type ActivityRow,
  activityRows,
  addedActivity,
  evolve,
  invariant,
  NO_TASK,
  type Plan,
  present,
  type TaskId,
  type TaskState,
  type TemplateHash,
} from '@tasker/core'
import { decodeTaskEvents } from '../log/codec.js'
import { type EventLog, type StoredCommit, TASK_ARCHIVED } from '../log/port.js'
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

/** A commit that goes, and what it had counted for. */
interface Leaving {
  readonly commit: StoredCommit
  readonly activity: readonly ActivityRow[]
}

/** `later` when a reader is behind or the server has other things to do; asking again goes on. */
export const removeArchived = async (tasks: readonly TaskId[], parts: RemoveParts): Promise<'removed' | 'later'> => {
  const { projected } = await parts.rows.readers()
  let leaving: Leaving[] = []
  for (const taskId of tasks) {
    const commits = await commitsOf(parts.log, taskId)
    const end = commits.at(-1)
    if (end === undefined || end.types[0] !== TASK_ARCHIVED) continue
    if (end.seq > (projected.get(end.partition) ?? 0)) return 'later'
    leaving.push(...leavingOf(commits.slice(0, -1), parts.planOf))
    while (leaving.length >= REMOVED_AT_ONCE_MAX) {
      if (!(await removeSome(leaving.slice(0, REMOVED_AT_ONCE_MAX), parts))) return 'later'
      leaving = leaving.slice(REMOVED_AT_ONCE_MAX)
    }
  }
  return leaving.length === 0 || (await removeSome(leaving, parts)) ? 'removed' : 'later'
}

const removeSome = async (leaving: readonly Leaving[], { rows, goOn }: RemoveParts): Promise<boolean> => {
  const activity = new Map<string, ActivityRow>()
  for (const row of leaving.flatMap((one) => one.activity)) {
    const there = activity.get(activityKey(row))
    activity.set(activityKey(row), there === undefined ? row : addedActivity(there, row))
  }
  const places = leaving.map(({ commit: { partition, seq } }) => ({ partition, seq }))
  const answer = await rows.remove({ places, activity: [...activity.values()] })
  return answer === 'removed' && goOn()
}

/** Newest first (M1). What a commit counts for needs no more of the task than the beginning that holds it. */
const leavingOf = (commits: readonly StoredCommit[], planOf: RemoveParts['planOf']): readonly Leaving[] => {
  const decoded = commits.map((commit) => ({ commit, events: decodeTaskEvents(commit).map(({ event }) => event) }))
  const [first] = decoded[0]?.events ?? []
  if (first === undefined) return []
  const plan = first.type === 'task.submitted' ? planOf(first.templateHash) : undefined
  let state: TaskState = NO_TASK
  for (const { commit, events } of decoded)
    for (const event of events) state = evolve(state, event, commit.at, present(plan, 'the plan of an archived task'))
  invariant(state.type === 'task', 'what is left of an archived task is its beginning')
  const task = state
  return decoded.map(({ commit, events }) => ({ commit, activity: activityRows(events, commit.at, task) })).toReversed()
}
