/** The error of everything the server or the SDK itself refuses. */

export type TaskerErrorCode =
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
  /** JSON Pointer into the input; empty for the whole of it. */
  readonly path: string
  readonly line?: number
  readonly column?: number
  readonly hint?: string
}

export interface TaskerErrorDetail {
  readonly code: TaskerErrorCode
  readonly reason: string
  readonly message: string
  readonly hint?: string
  readonly retryable?: boolean
  readonly errors?: readonly InputProblem[]
  readonly context?: { readonly [name: string]: string }
}

/** `code` is the category, `reason` the entry of the catalogue (`docs/errors`), `hint` what to do about it. */
export class TaskerError extends Error {
  override readonly name = 'TaskerError'
  readonly code: TaskerErrorCode
  readonly reason: string
  readonly hint: string | undefined
  /** Whether the same call may succeed later. */
  readonly retryable: boolean
  /** The failing places, where an input was refused. */
  readonly errors: readonly InputProblem[]
  /** Names a program needs to go on, such as the `task_id` of a duplicate. */
  readonly context: { readonly [name: string]: string }

  constructor(detail: TaskerErrorDetail, cause?: unknown) {
    super(detail.message, cause === undefined ? undefined : { cause })
    this.code = detail.code
    this.reason = detail.reason
    this.hint = detail.hint
    this.retryable = detail.retryable ?? false
    this.errors = detail.errors ?? []
    this.context = detail.context ?? {}
  }
}
