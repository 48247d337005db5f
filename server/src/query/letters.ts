/** Dead letters of single tasks as they are, and the tasks that are near to going stale: what both doors read of the engine. */
import {
  type DeadLetterRow,
  deadLetterRow,
  type Instant,
  type JsonText,
  letterId,
  type LiveTask,
  type Namespace,
  parseTaskId,
  type Staleness,
  stalenessOf,
  type TaskId,
} from '@tasker/core'
import type { Engine } from '../engine/api.js'
import { Fault } from '../faults.js'
import type { DeadLetterQuery } from './dead-letters.js'

/** What an entry's id names. */
export interface LetterRef {
  readonly taskId: TaskId
  readonly entry: number
}

const LETTER_ID = /^([0-9A-Za-z]{26})-(\d{1,9})$/

/** Throws `DEAD_LETTER_NOT_FOUND` for a text that is no id of an entry. */
export const letterRef = (text: string): LetterRef => {
  const parts = LETTER_ID.exec(text)
  const taskId = parseTaskId(parts?.[1] ?? '')
  if (taskId === undefined) throw letterNotFound(text, 'The id of an entry is the id of its task and a number, such as 01JD…-1.')
  return { taskId, entry: Number(parts?.[2]) }
}

/** The entry as it is, with whatever the log holds; throws `DEAD_LETTER_NOT_FOUND`. */
export const readLetter = async (engine: Pick<Engine, 'read'>, { taskId, entry }: LetterRef): Promise<DeadLetterRow> => {
  const task = (await engine.read(taskId))?.state
  const letter = task?.deadLetters.entries.find((one) => one.entry === entry)
  if (task === undefined || letter === undefined) throw letterNotFound(letterId(taskId, entry))
  return deadLetterRow(taskId, task, letter)
}

/** The latest entry of a task; throws `DEAD_LETTER_NOT_FOUND` when it has none. */
export const latestLetter = (taskId: TaskId, task: LiveTask): DeadLetterRow => {
  const letter = task.deadLetters.entries[task.deadLetters.entries.length - 1]
  if (letter === undefined) throw letterNotFound(`of task ${taskId}`, 'The task is not in the dead letters, and never was.')
  return deadLetterRow(taskId, task, letter)
}

interface Remarks {
  readonly by: string | undefined
  readonly notes: string | undefined
  readonly metadata: JsonText | undefined
}

/** What a person says of an entry; an order says nothing of what was not given. */
export const remarks = ({
  by,
  notes,
  metadata,
}: Remarks): { readonly [Name in keyof Remarks]?: Exclude<Remarks[Name], undefined> } => ({
  ...(by === undefined ? {} : { by }),
  ...(notes === undefined ? {} : { notes }),
  ...(metadata === undefined ? {} : { metadata }),
})

/** An open task and how near it is to going stale. */
export interface MonitoredTask {
  readonly taskId: TaskId
  readonly task: LiveTask
  readonly staleness: Staleness
}

/** Of the tasks that have been as they are for longest, the nearest to their threshold first. */
export const monitoredTasks = async (
  engine: Pick<Engine, 'read' | 'watch'>,
  query: Pick<DeadLetterQuery, 'stillest'>,
  now: Instant,
  limit: number,
  namespace: Namespace | undefined,
): Promise<readonly MonitoredTask[]> => {
  const ids = await query.stillest(limit, namespace)
  const read = await Promise.all(ids.map((taskId) => engine.read(taskId)))
  return read
    .flatMap((snapshot): MonitoredTask[] => {
      if (snapshot === undefined || snapshot.state.endedAt !== undefined) return []
      const { taskId, state: task } = snapshot
      return [{ taskId, task, staleness: stalenessOf(task, now, engine.watch.heardSteps(taskId)) }]
    })
    .toSorted((a, b) => b.staleness.percent - a.staleness.percent)
}

const letterNotFound = (id: string, hint?: string): Fault =>
  new Fault({
    code: 'NOT_FOUND',
    reason: 'DEAD_LETTER_NOT_FOUND',
    message: `There is no dead letter ${id}.`,
    ...(hint === undefined ? {} : { hint }),
  })
