/** Who waits for a task: for its end, or for each of its events. */
import { blockingSteps, isTerminal, type LiveTask, type RecordedTaskEvent, stepId, type TaskId, taskResult } from '@tasker/core'
import type { FaultDetail } from '../faults.js'
import type { TaskEventListener, TaskOutcome } from './api.js'

export type OutcomeCall = (outcome: TaskOutcome | { readonly type: 'failed'; readonly fault: FaultDetail }) => void

export class Followers {
  readonly #outcomes = new Map<TaskId, Set<OutcomeCall>>()
  readonly #listeners = new Map<TaskId, Set<TaskEventListener>>()

  awaitOutcome(taskId: TaskId, call: OutcomeCall): () => void {
    add(this.#outcomes, taskId, call)
    return () => remove(this.#outcomes, taskId, call)
  }

  listen(taskId: TaskId, listener: TaskEventListener): () => void {
    add(this.#listeners, taskId, listener)
    return () => remove(this.#listeners, taskId, listener)
  }

  listening(taskId: TaskId): boolean {
    return this.#listeners.has(taskId)
  }

  events(taskId: TaskId, events: readonly RecordedTaskEvent[]): void {
    for (const listener of this.#listeners.get(taskId) ?? []) listener.onEvents(events)
  }

  /** Tells those who wait for the end, when this is one. */
  settled(taskId: TaskId, task: LiveTask): void {
    const calls = this.#outcomes.get(taskId)
    if (calls === undefined) return
    const outcome = outcomeOf(taskId, task)
    if (outcome === undefined) return
    this.#outcomes.delete(taskId)
    for (const call of calls) call(outcome)
  }

  /** One of those who wait for an end gets no answer but this; the others go on waiting. */
  failedOne(taskId: TaskId, call: OutcomeCall, fault: FaultDetail): void {
    if (this.#outcomes.get(taskId)?.has(call) !== true) return
    remove(this.#outcomes, taskId, call)
    call({ type: 'failed', fault })
  }

  /** Nobody will be told anything more. */
  failAll(fault: FaultDetail): void {
    for (const taskId of [...this.#outcomes.keys()]) this.failed(taskId, fault)
    this.#listeners.clear()
  }

  /** The task cannot be followed any more: its stream is quarantined. */
  failed(taskId: TaskId, fault: FaultDetail): void {
    const calls = this.#outcomes.get(taskId)
    this.#outcomes.delete(taskId)
    for (const call of calls ?? []) call({ type: 'failed', fault })
  }
}

/** Terminal or blocked: what a caller of `result` is told. */
export const outcomeOf = (taskId: TaskId, task: LiveTask): TaskOutcome | undefined => {
  if (task.phase === 'completed') return { type: 'completed', taskId, result: taskResult(task) }
  if (task.phase === 'cancelled') return { type: 'cancelled', taskId, reason: task.cancel?.reason }
  if (task.failed !== undefined) return { type: 'ended_in_failure', taskId, code: task.failed.code, message: task.failed.message }
  if (task.phase === 'resolved_manually') return { type: 'resolved_manually', taskId, reason: task.resolvedReason }
  if (task.phase !== 'blocked') return undefined
  const steps = blockingSteps(task).flatMap((index) => {
    const failure = task.steps[index]?.lastFailure
    return failure === undefined ? [] : [{ step: task.graph.steps[index]?.name ?? stepId(''), failure }]
  })
  return { type: 'blocked', taskId, steps }
}

export const hasOutcome = (task: LiveTask): boolean => isTerminal(task.phase) || task.phase === 'blocked'

const add = <Key, Value>(map: Map<Key, Set<Value>>, key: Key, value: Value): void => {
  const set = map.get(key)
  if (set === undefined) map.set(key, new Set([value]))
  else set.add(value)
}

const remove = <Key, Value>(map: Map<Key, Set<Value>>, key: Key, value: Value): void => {
  const set = map.get(key)
  set?.delete(value)
  if (set?.size === 0) map.delete(key)
}
