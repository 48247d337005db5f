/**
 * A task as it was at a moment of its past: its log folded from the first event, and no further than that moment.
 *
 * A1  Only one page of the log and the state are in memory, however long the history is.
 * A2  What is wrong with a history behind the moment is not looked at: also a task whose stream is quarantined can be read before that place.
 */
import {
  evolve,
  hadHappened,
  type Instant,
  instant,
  type Moment,
  NO_TASK,
  type Plan,
  type RecordedTaskEvent,
  type TaskId,
  type TaskState,
  type TemplateHash,
} from '@tasker/core'
import { Fault } from '../faults.js'
import { decodeTaskEvents } from '../log/codec.js'
import type { EventLog } from '../log/port.js'
import type { TaskSnapshot } from './api.js'
import { taskArchived } from './archiving.js'
import { beforeFirstEvent, versionAhead } from './engine-faults.js'

/** Undefined when there is no such task; throws a fault when it had no such moment, and what the log or the fold throws. */
export const taskAsOf = async (
  log: EventLog,
  plans: (hash: TemplateHash) => Plan | undefined,
  taskId: TaskId,
  moment: Moment,
): Promise<TaskSnapshot | undefined> => {
  let known: Known = NOTHING
  for await (const page of log.readStream({ kind: 'task', id: taskId }, 1)) {
    for (const commit of page) {
      for (const recorded of decodeTaskEvents(commit)) {
        if (!hadHappened(moment, recorded)) return snapshotOf(taskId, moment, known, recorded.at)
        known = after(known, recorded, plans)
      }
    }
  }
  return known.version === 0 ? undefined : snapshotOf(taskId, moment, known)
}

/** What the events so far made of the task. */
interface Known {
  readonly version: number
  readonly at: Instant
  readonly state: TaskState
  readonly plan: Plan | undefined
}

const NOTHING: Known = { version: 0, at: instant(0), state: NO_TASK, plan: undefined }

const after = (
  known: Known,
  { version, at, event }: RecordedTaskEvent,
  plans: (hash: TemplateHash) => Plan | undefined,
): Known => {
  const plan = event.type === 'task.submitted' ? plans(event.templateHash) : known.plan
  if (plan === undefined) throw new Error('its template is not in the log')
  return { version, at, state: evolve(known.state, event, at, plan), plan }
}

/** `nextAt` is of the first event that had not happened yet, where there is one. */
const snapshotOf = (taskId: TaskId, moment: Moment, { version, at, state }: Known, nextAt?: Instant): TaskSnapshot => {
  if (state.type === 'none') throw new Fault(beforeFirstEvent(taskId, nextAt ?? at))
  if (state.type === 'archived') throw new Fault(taskArchived(taskId, state))
  if (moment.type === 'version' && version < moment.version) throw new Fault(versionAhead(taskId, moment.version, version))
  return { taskId, version, state, asOf: at }
}
