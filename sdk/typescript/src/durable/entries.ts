/**
 * The journal of a durable function, as the scheduler reads it: what happened to it, in the one order in which it happened.
 *
 * Values are JSON texts: a function sees what was recorded, never the object it was recorded from, so that what it sees the first time is what
 * it sees after every crash.
 */
import type { Failure } from '../errors/failure.js'

/** What a keyed operation is. */
export type OperationKind = 'step' | 'call' | 'child' | 'timer' | 'signal' | 'send'

/** How an operation ended. */
export type Outcome =
  | { readonly type: 'succeeded'; readonly result: string }
  | { readonly type: 'failed'; readonly failure: Failure }
  | { readonly type: 'cancelled' }

/** A step ran here, or a signal was handed to another task. */
export interface EffectRecorded {
  readonly type: 'effect.recorded'
  readonly kind: 'step' | 'send'
  readonly key: string
  readonly outcome: Outcome
}

/** The function asked whether it is patched, and was told yes. */
export interface PatchRecorded {
  readonly type: 'effect.recorded'
  readonly kind: 'patch'
  readonly key: string
}

/** The function set a value that queries read; `value` is its JSON text. */
export interface StateRecorded {
  readonly type: 'effect.recorded'
  readonly kind: 'state'
  readonly key: string
  readonly value: string
}

/** A sleep, or the timeout of a wait for a signal, runs. */
export interface TimerStarted {
  readonly type: 'timer.started'
  readonly kind: 'timer' | 'signal'
  readonly key: string
  readonly dueAt: number
}

export interface TimerFired {
  readonly type: 'timer.fired'
  readonly kind: 'timer' | 'signal'
  readonly key: string
}

/** Nobody waits for the timer any more. */
export interface TimerCancelled {
  readonly type: 'timer.cancelled'
  readonly kind: 'timer' | 'signal'
  readonly key: string
}

export interface SignalReceived {
  readonly type: 'signal.received'
  /** From 1 within the task. */
  readonly number: number
  readonly name: string
  readonly payload: string
}

/** Somebody asks the function for something. */
export interface UpdateReceived {
  readonly type: 'update.received'
  /** Of the update, unique within the task. */
  readonly id: string
  readonly name: string
  readonly payload: string
}

/** What a function says to an update. */
export type UpdateOutcome =
  | { readonly type: 'succeeded'; readonly result: string }
  | { readonly type: 'failed'; readonly failure: Failure }
  /** It takes no such update. */
  | { readonly type: 'refused'; readonly failure: Failure }

export interface UpdateAnswered {
  readonly type: 'update.answered'
  readonly id: string
  readonly outcome: UpdateOutcome
}

/** A handler was asked for, or another task begun; `target` says which. */
export interface WorkStarted {
  readonly type: 'call.started' | 'child.started'
  readonly key: string
  readonly target: string
}

export interface WorkEnded {
  readonly type: 'call.ended' | 'child.ended'
  readonly key: string
  readonly outcome: Outcome
}

export interface CancelRequested {
  readonly type: 'task.cancel_requested'
  readonly reason: string
}

/** The function came to its end; nothing of its own follows. */
export interface FunctionEnded {
  readonly type: 'function.ended'
}

/** What names an operation by its key. */
export type KeyedEntry = EffectRecorded | TimerStarted | TimerFired | TimerCancelled | WorkStarted | WorkEnded

export type JournalFact =
  | KeyedEntry
  | PatchRecorded
  | StateRecorded
  | SignalReceived
  | UpdateReceived
  | UpdateAnswered
  | CancelRequested
  | FunctionEnded

/** `at` is the instant of its commit, in milliseconds since 1970. */
export type JournalEntry = JournalFact & { readonly at: number }

/** The kind of operation that an entry speaks of. */
export const kindOf = (entry: KeyedEntry): OperationKind => {
  switch (entry.type) {
    case 'call.started':
    case 'call.ended':
      return 'call'
    case 'child.started':
    case 'child.ended':
      return 'child'
    case 'effect.recorded':
    case 'timer.started':
    case 'timer.fired':
    case 'timer.cancelled':
      return entry.kind
  }
}

/** Whether only the function itself can have caused the entry: it was running past this place when it was recorded. */
export const isOwn = (entry: JournalFact): boolean => {
  switch (entry.type) {
    case 'effect.recorded':
    case 'timer.started':
    case 'timer.cancelled':
    case 'call.started':
    case 'child.started':
    case 'update.answered':
    case 'function.ended':
      return true
    case 'timer.fired':
    case 'call.ended':
    case 'child.ended':
    case 'signal.received':
    case 'update.received':
    case 'task.cancel_requested':
      return false
  }
}
