/** Archive: the task is over, and its events lie elsewhere from now on. */
import { accept, type Decision } from '../../kernel/decider.js'
import { unreachable } from '../../kernel/invariant.js'
import type { ArchiveTask } from '../commands.js'
import type { ArchivedStatus, TaskArchived, TaskEvent } from '../events.js'
import { refuse, type TaskRefusal } from '../refusals.js'
import type { LiveTask } from '../state.js'

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

const statusAtEnd = ({ phase }: LiveTask): ArchivedStatus | undefined => {
  switch (phase) {
    case 'completed':
      return 'complete'
    case 'cancelled':
      return 'cancelled'
    case 'failed':
      return 'error'
    case 'resolved_manually':
      return 'resolved_manually'
    case 'waiting':
    case 'running':
    case 'blocked':
    case 'cancelling':
    case 'compensating':
      return undefined
    default:
      return unreachable(phase)
  }
}
