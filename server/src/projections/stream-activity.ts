/** What each commit of a task adds to the hours: read from the beginning of its stream, whether its end is still there or not. */
import {
  type ActivityRow,
  activityRows,
  evolve,
  invariant,
  NO_TASK,
  type Plan,
  present,
  type TaskState,
  type TemplateHash,
} from '@tasker/core'
import { decodeTaskEvents } from '../log/codec.js'
import type { StoredCommit } from '../log/port.js'

export interface CommitActivity {
  readonly commit: StoredCommit
  readonly activity: readonly ActivityRow[]
}

/** `commits` are the first of a task's stream, without `task.archived`. */
export const streamActivity = (
  commits: readonly StoredCommit[],
  planOf: (hash: TemplateHash) => Plan | undefined,
): readonly CommitActivity[] => {
  const decoded = commits.map((commit) => ({ commit, events: decodeTaskEvents(commit).map(({ event }) => event) }))
  const [first] = decoded[0]?.events ?? []
  if (first === undefined) return []
  invariant(first.type === 'task.submitted', 'what is left of an archived task is its beginning')
  const plan = present(planOf(first.templateHash), 'the plan of an archived task')
  let state: TaskState = NO_TASK
  for (const { commit, events } of decoded) for (const event of events) state = evolve(state, event, commit.at, plan)
  invariant(state.type === 'task', 'a stream without its end is a task')
  const task = state
  return decoded.map(({ commit, events }) => ({ commit, activity: activityRows(events, commit.at, task) }))
}
