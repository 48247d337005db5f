/**
 * The end of a task's stream: one order that says where its events lie from now on.
 *
 * A1  A task that may have been archived is looked for in the log before another is made with its id: its first version is free again, and
 *     the key of the log alone would take the other.
 */
import { type ArchivedTask, instantText, type TaskId } from '@tasker/core'
import type { FaultDetail } from '../faults.js'
import type { ArchiveAnswer, ArchiveOrder } from './api.js'
import { engineCause } from './attempt-command.js'
import { scopeOfTask } from './identity.js'
import type { StreamLoader } from './stream-loader.js'
import type { TaskRuntime } from './task-runtime.js'
import { durableTask } from './task-stream.js'

export interface ArchivingParts {
  readonly loader: StreamLoader
  readonly runtime: TaskRuntime
  readonly submissions: { readonly archivedIds: ArchivedIds }
  readonly children: { readonly needs: (taskId: TaskId) => boolean }
}

/** Appends `task.archived` behind the last of the events that the archive holds, or says why not. */
export const archiveTask = (
  { loader, runtime, submissions, children }: ArchivingParts,
  order: ArchiveOrder,
): Promise<ArchiveAnswer> =>
  new Promise((resolve) => {
    const { taskId, archive, versions, commits, lastSeq, lastHash } = order
    submissions.archivedIds.raise(taskId)
    loader.find(taskId, (found) => {
      if (found.type === 'archived') return resolve({ type: 'archived_before', archive: found.task.archived.archive })
      if (found.type === 'failed') return resolve({ type: 'refused', message: found.fault.message })
      if (found.type === 'none') return resolve({ type: 'refused', message: 'there is no such task' })
      const { stream } = found
      const task = durableTask(stream)
      if (task === undefined || stream.version !== versions || !stream.lastHash.equals(lastHash))
        return resolve({ type: 'refused', message: `the stream is at version ${stream.version}, the archive at ${versions}` })
      if (task.submitted.parent !== undefined && children.needs(taskId))
        return resolve({ type: 'refused', message: 'its parent may still have to be told how it ended' })
      const identity = scopeOfTask(task.submitted)
      const command = {
        type: 'archive',
        at: runtime.now(stream),
        archive,
        versions,
        commits,
        lastSeq,
        lastHash: lastHash.toString('hex'),
        ...(identity === undefined ? {} : { identity }),
      } as const
      runtime.apply(stream, command, { cause: engineCause('archive') }, (applied) => {
        if (applied.type === 'durable') resolve({ type: 'archived', seq: applied.seq })
        else if (applied.type === 'refused') resolve({ type: 'refused', message: applied.refusal.message })
        else resolve({ type: 'refused', message: 'its last commit did not come to be' })
      })
    })
  })

/** Up to which id tasks may have been archived: ids begin with their time, so new requests are beyond it. */
export class ArchivedIds {
  #newest = ''

  /** Before anything of this task goes. */
  raise(taskId: string): void {
    if (taskId > this.#newest) this.#newest = taskId
  }

  mayHold(taskId: TaskId): boolean {
    return taskId <= this.#newest
  }
}

/** What a caller is told who asks for the task, or orders something of it. */
export const taskArchived = (taskId: TaskId, { archived: { archive, status, endedAt } }: ArchivedTask): FaultDetail => ({
  code: 'INVALID_STATE',
  reason: 'TASK_ARCHIVED',
  message: `task ${taskId} is over (${status}), and its history lies in the archive ${archive}`,
  hint: `tasker task get ${taskId} --archive`,
  retryable: false,
  context: { task_id: taskId, archive, status, ended_at: instantText(endedAt) },
})
