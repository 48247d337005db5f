/**
 * The facts of a durable function's journal, beside those of its task.
 *
 * U1  An effect is recorded once a key: a function that saw a result sees the same one for ever.
 * U2  A timer is started once a key, and ends once: it fires, or is cancelled, or its function is over.
 * U3  The order of these events is the order in which the function sees them.
 * U4  A call is a step of the task: its own events say how it goes, and what ends it is what the function sees of it.
 * U5  An update is answered once: who asks again hears the first answer.
 */
import type { Instant } from '../kernel/instant.js'
import type { StepId } from '../kernel/ids.js'
import type { JsonText } from '../kernel/json.js'
import type { Failure } from '../task/failure.js'
import type { CallOf } from './call.js'
import type { ChildEnded, ChildStarted } from './child.js'
import type { EffectOutcome } from './outcome.js'

/** A step of the function ran, or a signal was handed to another task. */
export interface OutcomeRecorded {
  readonly type: 'effect.recorded'
  readonly kind: 'step' | 'send'
  readonly key: string
  readonly outcome: EffectOutcome
}

/** The function asked whether it is patched, and was told yes. */
export interface PatchRecorded {
  readonly type: 'effect.recorded'
  readonly kind: 'patch'
  readonly key: string
}

/** The function shows a value to queries. */
export interface StateRecorded {
  readonly type: 'effect.recorded'
  readonly kind: 'state'
  readonly key: string
  readonly value: JsonText
}

export type EffectRecorded = OutcomeRecorded | PatchRecorded | StateRecorded

/** What a timer is for: the function sleeps, or a wait for a signal has an end. */
export type FunctionTimerKind = 'timer' | 'signal'

export interface TimerStarted {
  readonly type: 'timer.started'
  readonly kind: FunctionTimerKind
  readonly key: string
  readonly dueAt: Instant
}

export interface TimerFired {
  readonly type: 'timer.fired'
  readonly kind: FunctionTimerKind
  readonly key: string
}

/** The function waits for it no more. */
export interface TimerCancelled {
  readonly type: 'timer.cancelled'
  readonly kind: FunctionTimerKind
  readonly key: string
}

/** An outside fact addressed to the task. */
export interface SignalReceived {
  readonly type: 'signal.received'
  readonly name: string
  /** Byte for byte as received. */
  readonly payload: JsonText
  /** From 1 within the task. */
  readonly number: number
  /** Made by the caller before the first try; a repeat with it is the same signal. */
  readonly requestId?: string
}

/** A request to the function, which it answers. */
export interface UpdateReceived {
  readonly type: 'update.received'
  /** Made by the caller before the first try; a repeat with it is the same update. */
  readonly id: string
  readonly name: string
  /** Byte for byte as received. */
  readonly payload: JsonText
}

/** What the function said to an update; `refused`: it did not take it at all. */
export type UpdateOutcome =
  | { readonly type: 'succeeded'; readonly result: JsonText }
  | { readonly type: 'failed'; readonly failure: Failure }
  | { readonly type: 'refused'; readonly failure: Failure }

export interface UpdateAnswered {
  readonly type: 'update.answered'
  readonly id: string
  readonly outcome: UpdateOutcome
}

/** The code asked for something else than the journal holds. The function runs no more until somebody lets it. */
export interface FunctionDiverged {
  readonly type: 'function.diverged'
  /** The operation that the journal holds, in words. */
  readonly expected: string
  /** What was asked for in its place, in words. */
  readonly actual: string
  /** Of the call, as `file:line:column`; empty where there is none. */
  readonly line: string
}

/** The function goes on from its beginning. Of its journal only the signals stay that nobody took. */
export interface FunctionContinued {
  readonly type: 'function.continued'
  readonly input: JsonText
  /** The numbers of those signals, ascending. */
  readonly unread: readonly number[]
}

/** Handlers that the function calls, each a step of its task. The steps are in the order of the calls. */
export interface CallsCreated {
  readonly type: 'steps.created'
  readonly segment: 'calls'
  readonly steps: readonly StepId[]
  readonly calls: readonly CallOf[]
}

/** The function waits for a call no more, so its step is cancelled as any step is. */
export interface CallCancelled {
  readonly type: 'step.cancelled'
  readonly step: StepId
}

export type FunctionEvent =
  | EffectRecorded
  | TimerStarted
  | TimerFired
  | TimerCancelled
  | SignalReceived
  | UpdateReceived
  | UpdateAnswered
  | FunctionDiverged
  | FunctionContinued
  | ChildStarted
  | ChildEnded

/** The cancellation of its task, as a function sees it. */
export interface CancelSeen {
  readonly type: 'task.cancel_requested'
  readonly reason?: string
}

/** A call was made. */
export interface CallStarted {
  readonly type: 'call.started'
  readonly key: string
  /** The handler. */
  readonly target: string
}

/** The step of a call ended. */
export interface CallEnded {
  readonly type: 'call.ended'
  readonly key: string
  readonly outcome: EffectOutcome
}

/** What a function sees. */
export type JournalFact = Exclude<FunctionEvent, FunctionDiverged | FunctionContinued> | CallStarted | CallEnded | CancelSeen

/** What an order to a journal makes happen: its own events, and those of the steps of its calls. */
export type JournalEvent = FunctionEvent | CallsCreated | CallCancelled
