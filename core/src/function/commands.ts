/** The orders a durable function's journal can be given. Who may give them, its task says. */
import type { Instant } from '../kernel/instant.js'
import type { JsonText } from '../kernel/json.js'
import type { TaskId } from '../kernel/ids.js'
import type { CallOf } from './call.js'
import type { ChildAsked } from './child.js'
import type { EffectOutcome } from './outcome.js'
import type { EffectRecorded, FunctionDiverged, FunctionTimerKind, UpdateAnswered } from './events.js'

/** A timer that the function asks for. */
export interface TimerAsked {
  readonly type: 'timer'
  readonly kind: FunctionTimerKind
  readonly key: string
  readonly dueAt: Instant
}

/** A handler that the function calls. */
export interface CallAsked {
  readonly type: 'call'
  readonly call: CallOf
}

/** A timer, a call or a child that nobody waits for any more. */
export interface OperationUnwanted {
  readonly type: 'cancel'
  readonly key: string
}

/** What a run of the function wants in its journal. */
export type JournalProposal = EffectRecorded | TimerAsked | CallAsked | ChildAsked | OperationUnwanted | UpdateAnswered

/** The worker that runs the function hands in what is to be recorded together. */
export interface RecordFacts {
  readonly type: 'record'
  readonly at: Instant
  readonly proposals: readonly JournalProposal[]
}

/** The time of a timer may have come. */
export interface TimerDue {
  readonly type: 'timer_due'
  readonly at: Instant
  readonly key: string
}

export interface SendSignal {
  readonly type: 'signal'
  readonly at: Instant
  readonly name: string
  readonly payload: JsonText
  readonly requestId?: string
}

/** A request that the function is to answer. */
export interface SendUpdate {
  readonly type: 'update'
  readonly at: Instant
  readonly id: string
  readonly name: string
  readonly payload: JsonText
}

/** The worker found that the code does not fit the journal. */
export interface ReportDivergence extends Omit<FunctionDiverged, 'type'> {
  readonly type: 'diverge'
  readonly at: Instant
}

/** The function goes on from its beginning. */
export interface ContinueFunction {
  readonly type: 'continue'
  readonly at: Instant
  readonly input: JsonText
  /** How many facts of its journal it has seen: signals behind them stay too. */
  readonly seen: number
  /** The numbers of the signals that nobody took. */
  readonly unread: readonly number[]
}

/** A child is over, or could not be begun. */
export interface ChildOver {
  readonly type: 'child_over'
  readonly at: Instant
  readonly key: string
  readonly taskId: TaskId
  readonly outcome: EffectOutcome
}

export type FunctionCommand = RecordFacts | TimerDue | SendSignal | SendUpdate | ReportDivergence | ContinueFunction | ChildOver
