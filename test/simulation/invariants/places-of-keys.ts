/**
 * What must be so of keys, in the order in which the log was written.
 *
 * I12  A key never has more holders than the limit under which a place was given, and an attempt starts only with a place of each key it was
 *      admitted to.
 * I13  A place of a concurrency is given back only when its attempt is over; one of a rate not before its time is over since the start, unless the
 *      start never reached a worker.
 * I14  At rest nobody has a place, unless the time of a rate is not over yet.
 */
import {
  type DurationMs,
  type Instant,
  type KeyEvent,
  parseTaskId,
  placeId,
  type StepId,
  type TaskEvent,
  type TaskId,
} from '@tasker/core'
import { decodeTaskEvents } from '@tasker/server/internal/log/codec'
import { decodeKeyEvents } from '@tasker/server/internal/log/key-codec'
import type { StoredCommit } from '@tasker/server/internal/log/port'
import type { InvariantOf, Violated } from './invariant.js'

/** What the log has said so far. */
interface Told {
  /** By stream of the key: who holds, and for how long after the start. */
  readonly holders: Map<string, Map<string, { readonly perMs: DurationMs | undefined }>>
  /** By attempt: the streams of the keys it was admitted to. */
  readonly admitted: Map<string, Set<string>>
  readonly startedAt: Map<string, Instant>
  readonly running: Set<string>
  readonly released: Set<string>
  readonly violated: Violated
}

export const placesOfKeys: InvariantOf = (violated) => {
  const told = nothingTold(violated)
  return {
    commit: ({ stored, key, decoded }) => {
      for (const event of key?.events ?? []) keyEvent(event, stored, told)
      for (const { event } of decoded?.events ?? []) if (decoded !== undefined) taskEvent(event, decoded.taskId, stored, told)
    },
    rest: () => atRest(told),
  }
}

/** The same of a whole log at rest, in the order in which it was written: what is wrong with it. */
export const keysHold = (written: readonly StoredCommit[]): readonly string[] => {
  const wrong: string[] = []
  const told = nothingTold((what) => wrong.push(what))
  for (const commit of written) {
    const taskId = commit.stream.kind === 'task' ? parseTaskId(commit.stream.id) : undefined
    if (commit.stream.kind === 'key') for (const event of decodeKeyEvents(commit)) keyEvent(event, commit, told)
    if (taskId !== undefined) for (const { event } of decodeTaskEvents(commit)) taskEvent(event, taskId, commit, told)
  }
  atRest(told)
  return wrong
}

const nothingTold = (violated: Violated): Told => ({
  holders: new Map(),
  admitted: new Map(),
  startedAt: new Map(),
  running: new Set(),
  released: new Set(),
  violated,
})

const atRest = ({ holders, startedAt, violated }: Told): void => {
  for (const [key, places] of holders)
    for (const [id, { perMs }] of places) {
      // The time of a rate may not be over yet: a clock that went back makes it long.
      if (perMs === undefined || !startedAt.has(id)) violated(`I14 ${id} has a place of ${key} at rest`)
    }
}

const keyEvent = (event: KeyEvent, { stream, at }: StoredCommit, told: Told): void => {
  const { violated } = told
  const id = placeId(event)
  const holders = told.holders.get(stream.id) ?? new Map<string, { readonly perMs: DurationMs | undefined }>()
  told.holders.set(stream.id, holders)
  if (event.type === 'key.granted') {
    if (holders.has(id)) violated(`I12 ${id} was given two places of ${stream.id}`, event.taskId)
    holders.set(id, { perMs: event.perMs })
    if (holders.size > event.limit)
      violated(`I12 ${stream.id} has ${holders.size} holders and a limit of ${event.limit}`, event.taskId)
    return
  }
  const perMs = holders.get(id)?.perMs
  const startedAt = told.startedAt.get(id)
  if (!holders.delete(id)) violated(`I12 ${id} gave back a place of ${stream.id} that it does not have`, event.taskId)
  if (perMs === undefined && told.running.has(id)) violated(`I13 ${id} runs without its place of ${stream.id}`, event.taskId)
  if (perMs !== undefined && startedAt !== undefined && at < startedAt + perMs && !told.released.has(id))
    violated(`I13 the place of ${stream.id} was free ${at - startedAt} ms after the start of ${id}, not ${perMs}`, event.taskId)
}

const taskEvent = (event: TaskEvent, taskId: TaskId, { namespace, at }: StoredCommit, told: Told): void => {
  switch (event.type) {
    case 'step.admitted': {
      const id = placeId({ taskId, step: event.step, attempt: event.attempt })
      const keys = told.admitted.get(id) ?? new Set()
      told.admitted.set(id, keys.add(`${namespace}/${event.kind} ${event.key}`))
      return
    }
    case 'step.started': {
      const id = placeId({ taskId, step: event.step, attempt: event.attempt })
      told.running.add(id)
      told.startedAt.set(id, at)
      for (const key of told.admitted.get(id) ?? [])
        if (told.holders.get(key)?.has(id) !== true) told.violated(`I12 ${id} started without its place of ${key}`, taskId)
      return
    }
    case 'step.completed':
    case 'step.failed':
    case 'step.timed_out':
    case 'step.suspended':
    case 'step.released': {
      const id = placeId({ taskId, step: event.step, attempt: event.attempt })
      told.running.delete(id)
      if (event.type === 'step.released') told.released.add(id)
      return
    }
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
