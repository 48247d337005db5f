/**
 * Who waits for which task's outcome.
 *
 * A submission asks for its outcome in advance, so that `submit` and `result` together cost one item each way. Whoever submits and never asks
 * makes the server send outcomes in vain: their number is bounded, and beyond it outcomes are asked for one by one.
 */
import type { TaskOutcome } from '@tasker/proto'
import { type TaskerError } from '../errors/tasker-error.js'
import { LIMITS } from '../limits.js'
import { errorOfDetail } from '../wire/problems.js'

export type KnownOutcome = Exclude<NonNullable<TaskOutcome['outcome']>, { readonly $case: 'error' }>

interface Waiter {
  readonly resolve: (outcome: KnownOutcome) => void
  readonly reject: (error: TaskerError) => void
}

/** One task as its handles see it. */
export interface Watch {
  readonly taskId: string
  /** Whether the server was asked for the outcome on the stream that lives now. */
  isOpen: boolean
  /** Asked in advance, and nobody has wanted it yet. */
  isUnasked: boolean
  outcome: KnownOutcome | undefined
  waiters: Waiter[]
}

export interface Watches {
  /** Whether a submission should ask for its outcome in advance. */
  wantsOutcome(): boolean
  /** The outcome of a submission is on its way without being asked for. */
  expect(taskId: string): Watch
  /** A task of which nothing is on its way. */
  of(taskId: string): Watch
  /** The outcome, now or when it comes. */
  ask(watch: Watch): Promise<KnownOutcome>
  arrived(outcome: TaskOutcome): void
  /** A new stream: those that are waited for are asked again (C4), the others only when somebody wants them. */
  reopen(): readonly string[]
  fail(error: TaskerError): void
}

/** `send` puts a task's id among the watches of the next message. */
export const createWatches = (send: (taskId: string) => void): Watches => {
  const open = new Map<string, Watch>()
  let unasked = 0

  const of = (taskId: string): Watch =>
    open.get(taskId) ?? { taskId, isOpen: false, isUnasked: false, outcome: undefined, waiters: [] }

  const ask = (watch: Watch): Promise<KnownOutcome> => {
    if (watch.isUnasked || (!watch.isOpen && watch.outcome === undefined)) unasked = Math.max(0, unasked - 1)
    watch.isUnasked = false
    const { outcome } = watch
    if (outcome !== undefined) {
      // Blocked is no end: the next question is asked anew.
      if (outcome.$case === 'blocked') watch.outcome = undefined
      return Promise.resolve(outcome)
    }
    return new Promise((resolve, reject) => {
      watch.waiters.push({ resolve, reject })
      if (watch.isOpen) return
      watch.isOpen = true
      open.set(watch.taskId, watch)
      send(watch.taskId)
    })
  }

  const close = (watch: Watch): readonly Waiter[] => {
    const { waiters } = watch
    watch.isOpen = false
    watch.waiters = []
    open.delete(watch.taskId)
    return waiters
  }

  return {
    wantsOutcome: () => unasked < LIMITS.outcomesUnaskedMax,
    expect: (taskId) => {
      const watch = of(taskId)
      if (watch.isOpen) return watch
      watch.isOpen = true
      watch.isUnasked = true
      unasked += 1
      open.set(taskId, watch)
      return watch
    },
    of,
    ask,
    arrived: (message) => {
      const watch = open.get(message.taskId)
      if (watch === undefined || message.outcome === undefined) return
      const waiters = close(watch)
      if (message.outcome.$case === 'error') {
        const error = errorOfDetail(message.outcome.value)
        for (const waiter of waiters) waiter.reject(error)
        return
      }
      if (waiters.length === 0 || message.outcome.$case !== 'blocked') watch.outcome = message.outcome
      for (const waiter of waiters) waiter.resolve(message.outcome)
    },
    reopen: () => {
      for (const watch of open.values()) if (watch.waiters.length === 0) close(watch)
      return [...open.keys()]
    },
    fail: (error) => {
      for (const watch of open.values()) for (const waiter of close(watch)) waiter.reject(error)
    },
  }
}
