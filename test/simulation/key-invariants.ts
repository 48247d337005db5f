/**
 * What must be so of keys after every run, read from the log in the order in which it was written.
 *
 * I12   A key never has more holders than the limit under which a place was given, and an attempt starts only with a place of each key it was
 *      admitted to.
 * I13  A place of a concurrency is given back only when its attempt is over; one of a rate not before its time is over since the start.
 * I14  At rest nobody has a place, unless the time of a rate is not over yet.
 */
import {
  type DurationMs,
  type Instant,
  type KeyEvent,
  placeId,
  type PlaceRef,
  parseTaskId,
  type StepId,
  type TaskEvent,
  type TaskId,
} from '@tasker/core'
import { decodeTaskEvents } from '@tasker/server/internal/log/codec'
import { decodeKeyEvents } from '@tasker/server/internal/log/key-codec'
import type { StoredCommit } from '@tasker/server/internal/log/port'

/** What the log has said so far. */
interface Told {
  /** By stream of the key: who holds, and for how long after the start. */
  readonly holders: Map<string, Map<string, { readonly perMs: DurationMs | undefined }>>
  /** By attempt: the streams of the keys it was admitted to. */
  readonly admitted: Map<string, Set<string>>
  readonly startedAt: Map<string, Instant>
  readonly running: Set<string>
  readonly wrong: string[]
}

export const keysHold = (written: readonly StoredCommit[]): readonly string[] => {
  const told: Told = { holders: new Map(), admitted: new Map(), startedAt: new Map(), running: new Set(), wrong: [] }
  for (const commit of written) {
    if (commit.stream.kind === 'key') for (const event of decodeKeyEvents(commit)) keyEvent(event, commit, told)
    if (commit.stream.kind === 'task') for (const { event } of decodeTaskEvents(commit)) taskEvent(event, commit, told)
  }
  for (const [key, holders] of told.holders)
    for (const [id, { perMs }] of holders) {
      // The time of a rate may not be over yet: a clock that went back makes it long.
      if (perMs === undefined || !told.startedAt.has(id)) told.wrong.push(`I14 ${id} has a place of ${key} at rest`)
    }
  return told.wrong
}

const keyEvent = (event: KeyEvent, { stream, at }: StoredCommit, told: Told): void => {
  const id = placeId(event)
  let holders = told.holders.get(stream.id)
  if (holders === undefined) {
    holders = new Map()
    told.holders.set(stream.id, holders)
  }
  if (event.type === 'key.granted') {
    if (holders.has(id)) told.wrong.push(`I12 ${id} was given two places of ${stream.id}`)
    holders.set(id, { perMs: event.perMs })
    if (holders.size > event.limit) told.wrong.push(`I12 ${stream.id} has ${holders.size} holders and a limit of ${event.limit}`)
    return
  }
  const perMs = holders.get(id)?.perMs
  const startedAt = told.startedAt.get(id)
  if (!holders.delete(id)) told.wrong.push(`I12 ${id} gave back a place of ${stream.id} that it does not have`)
  if (perMs === undefined && told.running.has(id)) told.wrong.push(`I13 ${id} runs without its place of ${stream.id}`)
  if (perMs !== undefined && startedAt !== undefined && at < startedAt + perMs)
    told.wrong.push(`I13 the place of ${stream.id} was free ${at - startedAt} ms after the start of ${id}, not ${perMs}`)
}

const taskEvent = (event: TaskEvent, { stream, namespace, at }: StoredCommit, told: Told): void => {
  const taskId = parseTaskId(stream.id)
  if (taskId === undefined || !('step' in event)) return
  if (event.type === 'task.went_stale' || event.type === 'task.dead_lettered') return
  const idOf = (attempt: number): string => placeId({ taskId, step: event.step, attempt } satisfies PlaceRef)
  switch (event.type) {
    case 'step.admitted': {
      const keys = told.admitted.get(idOf(event.attempt)) ?? new Set()
      told.admitted.set(idOf(event.attempt), keys.add(`${namespace}/${event.kind} ${event.key}`))
      return
    }
    case 'step.started': {
      const id = idOf(event.attempt)
      told.running.add(id)
      told.startedAt.set(id, at)
      for (const key of told.admitted.get(id) ?? [])
        if (told.holders.get(key)?.has(id) !== true) told.wrong.push(`I12 ${id} started without its place of ${key}`)
      return
    }
    case 'step.released':
      // The start never reached its worker, so there was none.
      told.running.delete(idOf(event.attempt))
      told.startedAt.delete(idOf(event.attempt))
      return
    case 'step.completed':
    case 'step.failed':
    case 'step.timed_out':
      told.running.delete(idOf(event.attempt))
      return
    case 'step.cancelled':
      endRuns(taskId, event.step, told)
      return
    case 'step.resolved_manually':
    case 'step.completed_manually':
      // A way back may take the number of an attempt that never started; it needs no place.
      for (const id of told.admitted.keys())
        if (id.startsWith(`${taskId}/`) && id.endsWith(`/${event.step}`) && !told.running.has(id)) told.admitted.delete(id)
      endRuns(taskId, event.step, told)
      return
    default:
  }
}

const endRuns = (taskId: TaskId, step: StepId, { running }: Told): void => {
  for (const id of [...running]) if (id.startsWith(`${taskId}/`) && id.endsWith(`/${step}`)) running.delete(id)
}
