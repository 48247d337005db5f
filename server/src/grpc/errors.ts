/** The one funnel from everything that can go wrong behind the door to a gRPC status with its details in the trailers. */
import { Metadata, status } from '@grpc/grpc-js'
import type { TaskRefusal } from '@tasker/core'
import { ErrorDetail, type FieldProblem } from '@tasker/proto'
import { Fault, type FaultCode, type FaultDetail, type InputProblem } from '../faults.js'
import type { DoorLogger } from './door.js'

/** What grpc-js takes as the end of a call. */
export interface CallStatus extends Error {
  readonly code: number
  readonly details: string
  readonly metadata: Metadata
}

/** Trailers have little room (8 KiB with many clients), so what they carry is cut. */
const TRAILER_BOUNDS = { messageCharsMax: 1_024, errorsMax: 16, errorsBytesMax: 4_096 } as const

/** A category's status; conflicts are told apart by `statusOf`. */
const STATUS_OF: { readonly [Code in FaultCode]: number } = {
  NOT_FOUND: status.NOT_FOUND,
  CONFLICT: status.ALREADY_EXISTS,
  INVALID_INPUT: status.INVALID_ARGUMENT,
  INVALID_STATE: status.FAILED_PRECONDITION,
  UNAUTHENTICATED: status.UNAUTHENTICATED,
  FORBIDDEN: status.PERMISSION_DENIED,
  // Clients repeat what was answered with RESOURCE_EXHAUSTED, and OUT_OF_RANGE may fit later; what is too large stays so.
  TOO_LARGE: status.INVALID_ARGUMENT,
  BACKPRESSURE: status.RESOURCE_EXHAUSTED,
  UNAVAILABLE: status.UNAVAILABLE,
  INTERNAL: status.INTERNAL,
}

/** Conflicts of two writers at once, which a repeat from the start may resolve. */
const ABORTED_REASONS: ReadonlySet<string> = new Set(['LEASE_LOST', 'WORKER_REPLACED'])

export const statusOf = (detail: FaultDetail): number =>
  detail.code === 'CONFLICT' && ABORTED_REASONS.has(detail.reason) ? status.ABORTED : STATUS_OF[detail.code]

/** The fault behind anything thrown. What is no Fault is ours: it is logged here and says nothing of itself on the wire. */
export const faultOf = (thrown: unknown, logger: DoorLogger): FaultDetail => {
  if (thrown instanceof Fault) return thrown.detail
  logger.error({ err: thrown }, 'a gRPC call failed for a reason nobody foresaw')
  return {
    code: 'INTERNAL',
    reason: 'INTERNAL_ERROR',
    message: 'the server failed; its log says why',
    retryable: false,
  }
}

export const refusalFault = (refusal: TaskRefusal): FaultDetail => ({
  code: refusal.code,
  reason: refusal.reason,
  message: refusal.message,
  ...(refusal.step === undefined ? {} : { context: { step_id: refusal.step } }),
})

export const fieldProblem = (problem: InputProblem): FieldProblem => ({
  code: problem.code,
  message: problem.message,
  path: problem.path,
  line: problem.line ?? 0,
  column: problem.column ?? 0,
  hint: problem.hint ?? '',
})

/** The fault as the wire spells it. */
export const errorDetail = (detail: FaultDetail): ErrorDetail => ({
  code: detail.code,
  reason: detail.reason,
  message: detail.message,
  hint: detail.hint ?? '',
  retryable: detail.retryable ?? (detail.code === 'UNAVAILABLE' || detail.code === 'BACKPRESSURE'),
  errors: (detail.errors ?? []).map(fieldProblem),
  // The items of a stream have no trailers, where a call has its pushback.
  context: {
    ...detail.context,
    ...(detail.retryAfterMs === undefined ? {} : { retry_after_ms: String(Math.ceil(detail.retryAfterMs)) }),
  },
})

/**
 * The end of a call for a fault: `tasker-code` and `tasker-reason` as text, and the whole `ErrorDetail` in `tasker-error-bin`. Of many
 * failing fields the first are listed and `context.errors_total` says how many there are.
 */
export const callStatus = (detail: FaultDetail): CallStatus => {
  const message = wellFormed(detail.message).slice(0, TRAILER_BOUNDS.messageCharsMax)
  const metadata = new Metadata()
  metadata.set('tasker-code', detail.code)
  metadata.set('tasker-reason', detail.reason)
  metadata.set('tasker-error-bin', Buffer.from(ErrorDetail.encode(trailerDetail(detail, message)).finish()))
  if (detail.retryAfterMs !== undefined) metadata.set('grpc-retry-pushback-ms', String(Math.ceil(detail.retryAfterMs)))
  return Object.assign(new Error(message), { code: statusOf(detail), details: wellFormed(message), metadata })
}

const trailerDetail = (detail: FaultDetail, message: string): ErrorDetail => {
  const whole = errorDetail({ ...detail, message })
  const listed: FieldProblem[] = []
  let bytes = 0
  for (const problem of whole.errors.slice(0, TRAILER_BOUNDS.errorsMax)) {
    bytes += Buffer.byteLength(problem.message) + Buffer.byteLength(problem.path) + Buffer.byteLength(problem.hint)
    if (bytes > TRAILER_BOUNDS.errorsBytesMax) break
    listed.push(problem)
  }
  if (listed.length === whole.errors.length) return whole
  return { ...whole, errors: listed, context: { ...whole.context, errors_total: String(whole.errors.length) } }
}

/** Status texts are percent-encoded as URIs, which half a surrogate pair would break. */
const wellFormed = (text: string): string => Buffer.from(text, 'utf8').toString('utf8')
