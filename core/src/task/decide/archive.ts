/** Archive: the task is over, and its events lie elsewhere from now on. */
import { accept, type Decision } from '../../kernel/decider.js'
import type { ArchiveTask } from '../commands.js'
import { ARCHIVED_STATUSES, type ArchivedStatus, type TaskArchived, type TaskEvent } from '../events.js'
import { refuse, type TaskRefusal } from '../refusals.js'
import type { LiveTask } from '../state.js'
import { taskStatus } from '../status.js'

export const decideArchive = (task: LiveTask, command: ArchiveTask): Decision<TaskEvent, TaskRefusal> => {
  const status = statusAtEnd(task)
  if (status === undefined || task.endedAt === undefined)
    return refuse('TASK_NOT_FINISHED', `The task ${task.submitted.name} is ${task.phase}; only what is over is archived.`)
  const { archive, versions, commits, lastSeq, lastHash, identity } = command
  const event: TaskArchived = {
    type: 'task.archived',
    archive,
    versions,
    commits,
    lastSeq,
    lastHash,
    name: task.submitted.name,
    version: task.submitted.version,
    status,
    submittedAt: task.submittedAt,
    endedAt: task.endedAt,
    ...(identity === undefined ? {} : { identity }),
  }
  return accept(event)
}

/** Undefined while the task goes on. */
const statusAtEnd = (task: LiveTask): ArchivedStatus | undefined => {
  const status = taskStatus(task)
  return ARCHIVED_STATUSES.find((end) => end === status)
}
