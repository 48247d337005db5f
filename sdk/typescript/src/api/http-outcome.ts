/** What an HTTP status says about another attempt, and how long a server asks to wait. */
import { PermanentError, RetryableError } from '../errors/handler-errors.js'

/** Statuses below 500 that pass by themselves: a timeout, a request that came too early, too many of them. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429])

export type HttpOutcome = 'success' | 'permanent' | 'retryable'

/** 2xx is a success; 408, 425, 429 and 5xx may help another time; all else (400, 401, 403, 404, 422 …) will not. */
export const httpOutcome = (status: number): HttpOutcome => {
  if (status >= 200 && status < 300) return 'success'
  return PASSING.has(status) || status >= 500 ? 'retryable' : 'permanent'
}

/**
 * The delay that `Retry-After` asks for, as seconds or as a date; undefined for what is neither. A date is measured by the server's
 * own clock where the answer says it (`Date`), so that two clocks that differ do no harm.
 */
export const retryAfterMs = (headers: Headers, nowMs: number): number | undefined => {
  const asked = headers.get('retry-after')?.trim() ?? ''
  if (/^\d+$/.test(asked)) return Math.min(Number(asked) * 1_000, Number.MAX_SAFE_INTEGER)
  // Without this, `Date.parse` would take a bare number or a fragment for a date.
  const dueAtMs = /[a-z]{3}/i.test(asked) ? Date.parse(asked) : Number.NaN
  if (Number.isNaN(dueAtMs)) return undefined
  const saidAtMs = Date.parse(headers.get('date') ?? '')
  return Math.max(0, dueAtMs - (Number.isNaN(saidAtMs) ? nowMs : saidAtMs))
}

/** The part of an answer that is looked at. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Headers
}

/** The error for a status that is no success, for callers with an HTTP client of their own: `HTTP_404`, `HTTP_503` … are its codes. */
export const httpError = (
  answer: HttpAnswer,
  message = `the server answered ${answer.status}`,
): PermanentError | RetryableError => {
  const code = `HTTP_${answer.status}`
  if (httpOutcome(answer.status) !== 'retryable') return new PermanentError(message, { code })
  const retryAfter = retryAfterMs(answer.headers, Date.now())
  return new RetryableError(message, retryAfter === undefined ? { code } : { code, retryAfter })
}
