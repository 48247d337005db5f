/** HTTP calls of a step: `fetch` with a base URL, a timeout, the attempt's signal, and statuses turned into the right kind of error. */
import { durationMs, type Duration } from '../duration.js'
import { PermanentError, RetryableError } from '../errors/handler-errors.js'
import { LIMITS } from '../limits.js'
import type { JsonValue } from '../step/json.js'
import { httpError, httpOutcome } from './http-outcome.js'
import { readText } from './read-text.js'

/** What is said once for all calls of a handler. */
export interface ApiOptions {
  /** What paths are put behind, such as `https://api.example.com/v1`; an address with a scheme stands for itself. */
  readonly baseUrl?: string
  readonly headers?: { readonly [name: string]: string }
  /** How long one call may take, its answer read to the end; 30 seconds when not said. */
  readonly timeout?: Duration
}

export interface ApiRequest {
  readonly query?: { readonly [name: string]: string | number | boolean | undefined }
  /** Added to the handler's headers, and stronger. */
  readonly headers?: { readonly [name: string]: string }
  readonly timeout?: Duration
  /** A body that is no JSON, such as a text or a form. */
  readonly body?: string | Uint8Array<ArrayBuffer> | URLSearchParams | FormData
  /** Statuses beside 2xx that are an answer and no error, such as `[404]`. */
  readonly accept?: readonly number[]
}

export interface ApiResponse {
  readonly status: number
  readonly headers: Headers
  /** The body: parsed where it is JSON, a text where it is not, null where there is none. */
  readonly data: unknown
}

/**
 * Each call resolves with a success, or rejects with a `PermanentError` (400, 401, 403, 404, 422 and other refusals) or a `RetryableError` (408,
 * 425, 429, 5xx, a connection that fails, a timeout), whose code is `HTTP_404`, `HTTP_UNREACHABLE`, `HTTP_TIMEOUT` …; `Retry-After`
 * becomes the least delay. A call whose attempt was cancelled rejects with the reason of its signal.
 */
export interface Api {
  readonly get: (path: string, request?: ApiRequest) => Promise<ApiResponse>
  readonly delete: (path: string, request?: ApiRequest) => Promise<ApiResponse>
  readonly post: (path: string, json?: JsonValue, request?: ApiRequest) => Promise<ApiResponse>
  readonly put: (path: string, json?: JsonValue, request?: ApiRequest) => Promise<ApiResponse>
  readonly patch: (path: string, json?: JsonValue, request?: ApiRequest) => Promise<ApiResponse>
  /** Any other verb. */
  readonly request: (method: string, path: string, request?: ApiRequest & { readonly json?: JsonValue }) => Promise<ApiResponse>
}

type Call = ApiRequest & { readonly json?: JsonValue }

/** The calls of one attempt; `signal` ends them with it. */
export const apiOf = (options: ApiOptions, signal: AbortSignal): Api => {
  const request = (method: string, path: string, call: Call = {}): Promise<ApiResponse> =>
    answerTo(method, path, call, options, signal)
  const withJson =
    (method: string) =>
    (path: string, json?: JsonValue, call: ApiRequest = {}) =>
      request(method, path, json === undefined ? call : { ...call, json })
  return {
    get: (path, call) => request('GET', path, call),
    delete: (path, call) => request('DELETE', path, call),
    post: withJson('POST'),
    put: withJson('PUT'),
    patch: withJson('PATCH'),
    request,
  }
}

const answerTo = async (
  method: string,
  path: string,
  call: Call,
  options: ApiOptions,
  signal: AbortSignal,
): Promise<ApiResponse> => {
  const url = urlOf(path, call, options.baseUrl)
  // What stands in the query may be a secret, and a failure is read by many.
  const told = `${method} ${url.origin}${url.pathname}`
  const timeoutMs = durationMs(call.timeout ?? options.timeout ?? LIMITS.apiTimeoutMs)
  const timeout = AbortSignal.timeout(timeoutMs)
  const init = { ...initOf(method, call, options), signal: AbortSignal.any([signal, timeout]) }
  try {
    const response = await fetch(url, init)
    const text = await readText(response, LIMITS.apiResponseBytesMax)
    if (httpOutcome(response.status) !== 'success' && call.accept?.includes(response.status) !== true) {
      throw httpError(response, refusalText(told, response, text))
    }
    return { status: response.status, headers: response.headers, data: dataOf(text, response.headers, told) }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof PermanentError || error instanceof RetryableError) throw error
    if (timeout.aborted)
      throw new RetryableError(`${told} did not end within ${timeoutMs} ms`, { code: 'HTTP_TIMEOUT', cause: error })
    // Without a cause it is no connection that failed, but a call that cannot be made, such as a GET with a body.
    if (!(error instanceof Error && error.cause instanceof Error)) throw error
    throw new RetryableError(`${told} failed: ${reasonOf(error.cause)}`, { code: 'HTTP_UNREACHABLE', cause: error })
  }
}

// A path is put behind the base as it stands: `/users` behind `https://host/v1` is `https://host/v1/users`.
const urlOf = (path: string, call: Call, baseUrl: string | undefined): URL => {
  const isWhole = baseUrl === undefined || /^[a-z][a-z0-9+.-]*:/i.test(path)
  const address = isWhole ? path : `${baseUrl.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`
  if (!URL.canParse(address)) throw new PermanentError(`${JSON.stringify(address)} is no address`, { code: 'HTTP_BAD_ADDRESS' })
  const url = new URL(address)
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value))
  }
  return url
}

const initOf = (method: string, call: Call, options: ApiOptions): RequestInit => {
  const headers = new Headers({ accept: 'application/json', ...options.headers })
  for (const [name, value] of Object.entries(call.headers ?? {})) headers.set(name, value)
  if (call.json === undefined) return { method, headers, ...(call.body === undefined ? {} : { body: call.body }) }
  if (!headers.has('content-type')) headers.set('content-type', 'application/json')
  return { method, headers, body: JSON.stringify(call.json) }
}

const refusalText = (told: string, response: Response, body: string): string => {
  const excerpt = body.trim().slice(0, LIMITS.apiExcerptCharsMax)
  const phrase = response.statusText === '' ? '' : ` ${response.statusText}`
  return `${told} answered ${response.status}${phrase}${excerpt === '' ? '' : `: ${excerpt}`}`
}

const dataOf = (text: string, headers: Headers, told: string): unknown => {
  if (text === '') return null
  if (!/[/+]json\b/i.test(headers.get('content-type') ?? '')) return text
  try {
    return JSON.parse(text)
  } catch (error) {
    // A proxy that answers in the server's place may be gone the next time.
    throw new RetryableError(`${told} answered what it calls JSON and is none`, { code: 'HTTP_BAD_JSON', cause: error })
  }
}

// `fetch` says only that it failed; why is in the cause, and of several addresses tried only the code tells anything.
const reasonOf = (cause: Error): string => {
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : 'the connection broke'
  return cause.message === '' ? code : cause.message
}
