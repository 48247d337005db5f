/** Faults: the world failing. Thrown, with a stable category (`code`), an entry of the catalogue (`reason`) and whether a repeat may help. */

export type FaultCode =
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'INVALID_INPUT'
  | 'INVALID_STATE'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'TOO_LARGE'
  | 'BACKPRESSURE'
  | 'UNAVAILABLE'
  | 'INTERNAL'

/** One failing place of an input. */
export interface InputProblem {
  readonly code: string
  readonly message: string
  /** JSON Pointer into the input. */
  readonly path: string
  readonly line?: number
  readonly column?: number
  readonly hint?: string
}

export interface FaultDetail {
  readonly code: FaultCode
  /** The catalogue's entry, with a page at `docs/errors/REASON.md`. */
  readonly reason: string
  readonly message: string
  readonly retryable?: boolean
  readonly hint?: string
  readonly errors?: readonly InputProblem[]
  /** Names that a program needs to go on, such as the `task_id` of a duplicate. */
  readonly context?: { readonly [name: string]: string }
  readonly retryAfterMs?: number
}

export class Fault extends Error {
  override readonly name = 'Fault'
  readonly detail: FaultDetail

  constructor(detail: FaultDetail, cause?: unknown) {
    super(detail.message, cause === undefined ? undefined : { cause })
    this.detail = detail
  }

  get code(): FaultCode {
    return this.detail.code
  }

  get reason(): string {
    return this.detail.reason
  }
}
