/** I8: an identity is one task's; where its template lets go of it with the task's end, one task's at a time, in the order of the log. */
import { type LiveTask, parseTaskId, type TaskId, TERMINAL_EVENTS } from '@tasker/core'
import { scopeOfTask } from '@tasker/server/internal/engine/identity'
import type { StoredCommit } from '@tasker/server/internal/log/port'

interface Life {
  readonly taskId: TaskId
  readonly task: LiveTask
}

export const oneTaskAnIdentity = (lives: readonly Life[], commits: readonly StoredCommit[]): readonly string[] => {
  const spans = spansOf(commits)
  const begun = (taskId: TaskId): number => spans.get(taskId)?.begun ?? 0
  const holders = new Map<string, TaskId>()
  return lives
    .toSorted((a, b) => begun(a.taskId) - begun(b.taskId))
    .flatMap(({ taskId, task }) => {
      const scope = scopeOfTask(task.submitted)
      if (scope === undefined) return []
      const before = holders.get(scope)
      holders.set(scope, taskId)
      if (before === undefined) return []
      const over = spans.get(before)?.over
      const free = task.plan.template.identity.whileRunning && over !== undefined && over < begun(taskId)
      return free ? [] : [`I8 ${taskId} has the identity of ${before}, which is ${over === undefined ? 'not over' : 'no reason'}`]
    })
}

/** Where in its partition each task begins and ends. Tasks of one identity share a partition, so their places can be compared. */
const spansOf = (
  commits: readonly StoredCommit[],
): ReadonlyMap<TaskId, { readonly begun: number; readonly over: number | undefined }> => {
  const spans = new Map<TaskId, { readonly begun: number; readonly over: number | undefined }>()
  for (const { stream, seq, types } of commits) {
    const taskId = stream.kind === 'task' ? parseTaskId(stream.id) : undefined
    if (taskId === undefined) continue
    const begun = Math.min(spans.get(taskId)?.begun ?? seq, seq)
    const ends = types.some((type) => [...TERMINAL_EVENTS].some((terminal) => terminal === type))
    spans.set(taskId, { begun, over: ends ? seq : spans.get(taskId)?.over })
  }
  return spans
}
