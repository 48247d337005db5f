/** RFC 9457 problems: how a fault or a refusal is written, and the status each category has. */
import type { TaskRefusal } from '@tasker/core'
import type { FaultCode, FaultDetail } from '../faults.js'

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

export interface ProblemAnswer {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}

const STATUS: { readonly [Code in FaultCode]: number } = {
  NOT_FOUND: 404,
  CONFLICT: 409,
  INVALID_INPUT: 422,
  INVALID_STATE: 409,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  TOO_LARGE: 413,
  BACKPRESSURE: 503,
  UNAVAILABLE: 503,
  INTERNAL: 500,
}

const TITLE: { readonly [Code in FaultCode]: string } = {
  NOT_FOUND: 'Not found',
  CONFLICT: 'Conflict',
  INVALID_INPUT: 'Invalid input',
  INVALID_STATE: 'Not possible in this state',
  UNAUTHENTICATED: 'Not authenticated',
  FORBIDDEN: 'Forbidden',
  TOO_LARGE: 'Too large',
  BACKPRESSURE: 'Too busy',
  UNAVAILABLE: 'Unavailable',
  INTERNAL: 'Internal error',
}

/** What is no JSON, YAML or HTTP at all, as opposed to what is and does not fit. */
const UNREADABLE: ReadonlySet<string> = new Set(['JSON_SYNTAX', 'YAML_SYNTAX', 'BAD_REQUEST'])

const RETRY_AFTER_MS_DEFAULT = 1_000

/** The status of a fault: by category, with the exceptions HTTP has words for. */
const problemStatus = (detail: FaultDetail): number => {
  if (detail.reason === 'UNSUPPORTED_MEDIA_TYPE') return 415
  const unreadable = UNREADABLE.has(detail.reason) || detail.errors?.some(({ code }) => UNREADABLE.has(code)) === true
  return detail.code === 'INVALID_INPUT' && unreadable ? 400 : STATUS[detail.code]
}

/** `instance` is the address that was asked for. Names in the fault's context become members of the problem. */
export const problemOf = (detail: FaultDetail, instance: string): ProblemAnswer => {
  const status = problemStatus(detail)
  const retryable = detail.retryable ?? (detail.code === 'BACKPRESSURE' || detail.code === 'UNAVAILABLE')
  const body = JSON.stringify({
    ...detail.context,
    type: `urn:tasker:error:${detail.reason}`,
    title: TITLE[detail.code],
    status,
    detail: detail.message,
    instance,
    code: detail.code,
    reason: detail.reason,
    retryable,
    hint: detail.hint,
    errors: detail.errors,
  })
  return { status, headers: retryHeaders(detail), body }
}

const retryHeaders = (detail: FaultDetail): { readonly [name: string]: string } => {
  if (detail.code !== 'BACKPRESSURE' && detail.code !== 'UNAVAILABLE' && detail.retryAfterMs === undefined) return {}
  return { 'retry-after': String(Math.max(1, Math.ceil((detail.retryAfterMs ?? RETRY_AFTER_MS_DEFAULT) / 1_000))) }
}

/** A domain's no, as the fault it is at the door. */
export const refusalDetail = (refusal: TaskRefusal): FaultDetail => ({
  code: refusal.code,
  reason: refusal.reason,
  message: refusal.message,
  ...(refusal.step === undefined ? {} : { context: { step_id: refusal.step } }),
})
