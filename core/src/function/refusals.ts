/** The ways a journal says no. */

export type FunctionRefusalReason =
  | 'FUNCTION_DIVERGED'
  | 'TOO_MANY_OPERATIONS'
  | 'TOO_MANY_STATE_KEYS'
  | 'TOO_MANY_SIGNALS'
  | 'TOO_MANY_CHILDREN'
  | 'TIMER_NOT_OPEN'
  | 'NOT_DUE'
  | 'UNKNOWN_SIGNAL'
  | 'TOO_MANY_UPDATES'
  | 'UPDATE_ID_IN_USE'

export interface FunctionRefusal {
  readonly code: 'INVALID_INPUT' | 'INVALID_STATE' | 'BACKPRESSURE' | 'CONFLICT'
  readonly reason: FunctionRefusalReason
  /** One sentence for people, with the names in it. */
  readonly message: string
}

export const FUNCTION_REFUSAL_CODES: { readonly [Reason in FunctionRefusalReason]: FunctionRefusal['code'] } = {
  FUNCTION_DIVERGED: 'INVALID_STATE',
  TOO_MANY_OPERATIONS: 'INVALID_INPUT',
  TOO_MANY_STATE_KEYS: 'INVALID_INPUT',
  TOO_MANY_SIGNALS: 'BACKPRESSURE',
  TOO_MANY_CHILDREN: 'INVALID_INPUT',
  TIMER_NOT_OPEN: 'INVALID_STATE',
  NOT_DUE: 'INVALID_STATE',
  UNKNOWN_SIGNAL: 'INVALID_INPUT',
  TOO_MANY_UPDATES: 'BACKPRESSURE',
  UPDATE_ID_IN_USE: 'CONFLICT',
}

export const refuseFunction = (
  reason: FunctionRefusalReason,
  message: string,
): { readonly type: 'refused'; readonly refusal: FunctionRefusal } => ({
  type: 'refused',
  refusal: { code: FUNCTION_REFUSAL_CODES[reason], reason, message },
})
