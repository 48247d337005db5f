/**
 * `Watch`: a task's events from a version on, then live until its end. A watcher that reads slowly holds nothing up and piles nothing up: the
 * door stops following while the transport is full, and follows again from the last version sent.
 */
import { TERMINAL_EVENTS, isTerminal, type RecordedTaskEvent, type TaskId } from '@tasker/core'
import type { TaskEvent, WatchRequest, WatchResponse } from '@tasker/proto'
import { Fault, type FaultDetail } from '../faults.js'
import type { WritableCall } from './call.js'
import type { EngineDoor } from './door.js'
import { callStatus, faultOf } from './errors.js'
import { malformed, outOfRange, taskNotFound } from './input-faults.js'
import type { OpenStream } from './open-streams.js'
import { wireEvent } from './task-message.js'
import { requiredTaskId } from './unary.js'

export type WatchCall = WritableCall<WatchRequest, WatchResponse>

interface Watch {
  readonly door: EngineDoor
  readonly call: WatchCall
  /** Called once, when the stream is over for any reason. */
  readonly ended: () => void
  sentVersion: number
  /** Counts followings: events of one that was given up are not sent. */
  following: number
  stop: () => void
  over: boolean
}

const NOT_FOLLOWING = (): void => undefined

/** Serves a watch until it ends; `ended` is called once when it did. */
export const serveWatch = (door: EngineDoor, call: WatchCall, ended: () => void): OpenStream => {
  const watch: Watch = { door, call, ended, sentVersion: 0, following: 0, stop: NOT_FOLLOWING, over: false }
  const failed = (error: unknown): void => end(watch, faultOf(error, door.logger))
  call.on('cancelled', () => finish(watch))
  begin(watch, failed).catch(failed)
  return { end: (fault) => end(watch, fault) }
}

const begin = async (watch: Watch, failed: (error: unknown) => void): Promise<void> => {
  const { call, door } = watch
  if (call.request.type === 'malformed') throw new Fault(malformed(call.request.problem))
  const { taskId: text, afterVersion } = call.request.message
  const taskId = requiredTaskId(text)
  const snapshot = await door.engine.read(taskId)
  if (snapshot === undefined) throw new Fault(taskNotFound(taskId))
  if (afterVersion > snapshot.version)
    throw new Fault(outOfRange('/after_version', `the task is at version ${snapshot.version}, not yet at ${afterVersion}`))
  if (watch.over) return
  watch.sentVersion = afterVersion
  if (isTerminal(snapshot.state.phase) && afterVersion === snapshot.version) return complete(watch)
  call.on('drain', () => {
    follow(watch, taskId).catch(failed)
  })
  await follow(watch, taskId)
}

const follow = async (watch: Watch, taskId: TaskId): Promise<void> => {
  if (watch.over) return
  watch.following++
  const { following } = watch
  const live = (): boolean => !watch.over && watch.following === following
  const stop = await watch.door.engine.follow(taskId, watch.sentVersion, {
    onEvents: (events) => {
      if (live()) send(watch, events)
    },
    full: () => !live(),
  })
  // It ended, or the transport filled up, before the engine told how to stop.
  if (live()) watch.stop = stop
  else stop()
}

const send = (watch: Watch, events: readonly RecordedTaskEvent[]): void => {
  let batch: TaskEvent[] = []
  let bytes = 0
  let flowing = true
  let last: RecordedTaskEvent | undefined
  for (const event of events) {
    if (event.version <= watch.sentVersion) continue
    const wire = wireEvent(event)
    batch.push(wire)
    bytes += wire.data?.data.length ?? 0
    watch.sentVersion = event.version
    last = event
    if (bytes < watch.door.limits.messageBytesTarget) continue
    flowing = watch.call.write({ events: batch })
    batch = []
    bytes = 0
    if (!flowing) break
  }
  if (batch.length > 0) flowing = watch.call.write({ events: batch })
  if (last !== undefined && TERMINAL_EVENTS.has(last.event.type)) return complete(watch)
  if (!flowing) suspend(watch)
}

/** Until the transport is empty again; what comes meanwhile is read from the log then. */
const suspend = (watch: Watch): void => {
  watch.following++
  watch.stop()
  watch.stop = NOT_FOLLOWING
}

const complete = (watch: Watch): void => {
  if (watch.over) return
  watch.call.end()
  finish(watch)
}

const end = (watch: Watch, fault: FaultDetail): void => {
  if (watch.over) return
  watch.call.emit('error', callStatus(fault))
  finish(watch)
}

const finish = (watch: Watch): void => {
  if (watch.over) return
  watch.over = true
  watch.stop()
  watch.ended()
}
