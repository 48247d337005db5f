/**
 * What the scheduler asks of the world, and all of it.
 *
 * J1  The journal has one order. What is handed to a run stands in it already, durably, and is handed over in that order, once.
 * J2  Commands may come again after a replay, with the same key: what is under way or over is not begun a second time.
 * J3  What is issued together is recorded together, and is durable before a step of the same issue begins.
 * J4  The outcome of a step is recorded once; whoever comes second gets what was recorded.
 */
import type { Failure } from '../errors/failure.js'
import type { Divergence } from './divergence.js'
import type { UpdateOutcome } from './entries.js'
import type { CallOptions, StepOptions, StepScope } from './options.js'

/** Run this here, and record how it ended. */
export interface RunStep {
  readonly type: 'step'
  readonly key: string
  readonly name: string
  readonly options: StepOptions
  /** Calls the user's function; it may throw at once or later. */
  readonly invoke: (scope: StepScope) => unknown
}

/** Wake the function then. `kind` says whether it sleeps or waits for a signal. */
export interface StartTimer {
  readonly type: 'timer'
  readonly kind: 'timer' | 'signal'
  readonly key: string
  readonly dueAt: number
}

export interface CallHandler {
  readonly type: 'call'
  readonly key: string
  readonly target: string
  /** JSON text. */
  readonly input: string
  readonly options: CallOptions
}

export interface StartChild {
  readonly type: 'child'
  readonly key: string
  readonly namespace: string
  readonly name: string
  readonly version: string
  /** JSON text. */
  readonly input: string
  readonly onParentClose: 'cancel' | 'abandon'
}

export interface SendSignal {
  readonly type: 'send'
  readonly key: string
  readonly taskId: string
  readonly signal: string
  /** JSON text. */
  readonly payload: string
}

/** Nobody waits for it any more. */
export interface CancelOperation {
  readonly type: 'cancel'
  readonly key: string
}

export interface RecordPatch {
  readonly type: 'patch'
  readonly key: string
}

export interface SetState {
  readonly type: 'state'
  readonly key: string
  /** JSON text. */
  readonly value: string
}

/** What the function says to an update. */
export interface AnswerUpdate {
  readonly type: 'answer'
  /** The id of the update. */
  readonly key: string
  readonly outcome: UpdateOutcome
}

export type Command =
  | RunStep
  | StartTimer
  | CallHandler
  | StartChild
  | SendSignal
  | CancelOperation
  | RecordPatch
  | SetState
  | AnswerUpdate

/** How a function ended. */
export type FunctionEnd =
  | { readonly type: 'returned'; readonly result: string }
  | { readonly type: 'failed'; readonly failure: Failure }
  | { readonly type: 'cancelled' }
  /** It goes on from its beginning with this input and a journal of the signals that nobody took, by their numbers. */
  | { readonly type: 'continued'; readonly input: string; readonly unread: readonly number[] }

export interface JournalPort {
  /** The function waits, and these are what it waits for now that it did not wait for before. */
  readonly issue: (commands: readonly Command[]) => void
  /** The function waits, and for nothing that it did not wait for before. */
  readonly rests?: () => void
  /** The function is over. `commands` are to be recorded with its end. */
  readonly end: (end: FunctionEnd, commands: readonly Command[]) => void
  /** The function asks for something else than the journal holds. Nothing of it runs any more. */
  readonly diverged: (divergence: Divergence) => void
}

/** How the scheduler hears that a function has come to rest. */
export interface Turns {
  /** Calls back when every promise that is settled by now has been followed, and whatever that settles, to the end. */
  readonly rest: (callback: () => void) => void
}
