/** The one way the command line talks to a server: requests with a deadline, answers parsed, everything that goes wrong as a `Fault`. */
import { z } from 'zod'
import { Fault, type FaultCode, type InputProblem } from '../faults.js'
import { CLI_REASON } from './exit.js'

/** How long a request may take when it does not say. */
export const REQUEST_TIMEOUT_MS = 30_000
/** Bytes of an answer that is shown when it makes no sense. */
const EXCERPT_CHARS = 120

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  /** Values that are undefined are left out, lists are repeated. */
  readonly query?: { readonly [name: string]: string | number | boolean | readonly string[] | undefined }
  readonly body?: { readonly type: string; readonly text: string }
  readonly timeoutMs?: number
  readonly headers?: { readonly [name: string]: string }
  readonly signal?: AbortSignal
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

export interface HttpClient {
  readonly baseUrl: string
  /** Any answer below 400; faults for the rest. */
  send(request: HttpRequest): Promise<HttpAnswer>
  /** The answer's JSON, as the schema reads it. */
  json<Schema extends z.ZodType>(request: HttpRequest, schema: Schema): Promise<z.output<Schema>>
  /** An answer whose body is still to come; no deadline but the request's own signal. */
  open(request: HttpRequest): Promise<Response>
}

export const httpClient = (baseUrl: string, token: string | undefined): HttpClient => {
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }

  const exchange = async (request: HttpRequest, signal: AbortSignal | undefined): Promise<Response> => {
    const { body } = request
    const headers = {
      accept: 'application/json, application/problem+json',
      ...authorization,
      ...(body && { 'content-type': body.type }),
      ...request.headers,
    }
    const url = new URL(request.path + queryText(request.query), baseUrl)
    return fetch(url, { method: request.method, headers, ...(body && { body: body.text }), ...(signal && { signal }) })
  }

  const send = async (request: HttpRequest): Promise<HttpAnswer> => {
    const deadline = AbortSignal.timeout(request.timeoutMs ?? REQUEST_TIMEOUT_MS)
    const signal = request.signal === undefined ? deadline : AbortSignal.any([deadline, request.signal])
    const answer = await guarded(baseUrl, async () => {
      const response = await exchange(request, signal)
      return { status: response.status, headers: response.headers, text: await response.text() }
    })
    if (answer.status >= 400) throw problemFault(answer)
    return answer
  }

  return {
    baseUrl,
    send,
    json: async (request, schema) => parsed(await send(request), schema),
    open: async (request) => {
      const response = await guarded(baseUrl, () => exchange(request, request.signal))
      if (response.status < 400) return response
      throw problemFault({ status: response.status, headers: response.headers, text: await response.text() })
    },
  }
}

const queryText = (query: HttpRequest['query'] = {}): string => {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue
    for (const one of typeof value === 'object' ? value : [value]) parameters.append(name, String(one))
  }
  const text = parameters.toString()
  return text === '' ? '' : `?${text}`
}

/** Turns what `fetch` throws into faults: never connected, or connected and then no answer. */
const guarded = async <T>(baseUrl: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (thrown) {
    throw transportFault(thrown, baseUrl)
  }
}

const NEVER_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

export const transportFault = (thrown: unknown, baseUrl: string): Fault => {
  if (thrown instanceof Fault) return thrown
  const code = networkCode(thrown)
  if (code !== undefined && NEVER_CONNECTED.has(code)) {
    return new Fault(
      {
        code: 'UNAVAILABLE',
        reason: CLI_REASON.serverUnreachable,
        message: `no Tasker server answers at ${baseUrl} (${code})`,
        hint: 'start one with: tasker dev, or say where it is with --url or TASKER_URL',
        retryable: true,
      },
      thrown,
    )
  }
  const what = thrown instanceof Error ? (code ?? thrown.name) : String(thrown)
  return new Fault(
    {
      code: 'UNAVAILABLE',
      reason: CLI_REASON.answerLost,
      message: `the server at ${baseUrl} was reached, but its answer did not arrive (${what})`,
      hint: 'the request may have been done; look before you repeat it',
      retryable: true,
    },
    thrown,
  )
}

/** The system's name of a network error, wherever `fetch` put it. */
const networkCode = (thrown: unknown): string | undefined => {
  if (!(thrown instanceof Error)) return undefined
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code
  if (thrown instanceof AggregateError) return thrown.errors.map(networkCode).find((code) => code !== undefined)
  return networkCode(thrown.cause)
}

const inputProblem = z.looseObject({
  code: z.string().default('INVALID'),
  message: z.string().default(''),
  path: z.string().default(''),
  line: z.number().optional(),
  column: z.number().optional(),
  hint: z.string().optional(),
})

const problem = z.looseObject({
  code: z.string().optional(),
  reason: z.string().optional(),
  title: z.string().optional(),
  detail: z.string().optional(),
  hint: z.string().optional(),
  retryable: z.boolean().optional(),
  errors: z.array(inputProblem).optional(),
})

const KNOWN_CODES: ReadonlySet<string> = new Set<FaultCode>([
  'NOT_FOUND',
  'CONFLICT',
  'INVALID_INPUT',
  'INVALID_STATE',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'TOO_LARGE',
  'BACKPRESSURE',
  'UNAVAILABLE',
  'INTERNAL',
])
const isFaultCode = (text: string): text is FaultCode => KNOWN_CODES.has(text)

/** An answer of 400 or more as the fault it tells of. */
export const problemFault = (answer: HttpAnswer): Fault => {
  const read = problem.safeParse(jsonIn(answer.text))
  if (!read.success || read.data.code === undefined || !isFaultCode(read.data.code)) return unexpected(answer)
  const { code, reason = code, title, detail = title ?? code, hint, retryable, errors, ...rest } = read.data
  const retryAfterMs = Number(answer.headers.get('retry-after') ?? Number.NaN) * 1_000
  const names = Object.entries(rest).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return new Fault({
    code,
    reason,
    message: detail,
    ...(hint !== undefined && { hint }),
    ...(retryable !== undefined && { retryable }),
    ...(errors && { errors: errors.map(definedOnly) }),
    ...(Number.isFinite(retryAfterMs) && { retryAfterMs }),
    context: Object.fromEntries(names.filter(([name]) => name !== 'type' && name !== 'instance')),
  })
}

const definedOnly = (read: z.output<typeof inputProblem>): InputProblem => ({
  code: read.code,
  message: read.message,
  path: read.path,
  ...(read.line !== undefined && { line: read.line }),
  ...(read.column !== undefined && { column: read.column }),
  ...(read.hint !== undefined && { hint: read.hint }),
})

const unexpected = (answer: HttpAnswer): Fault =>
  new Fault({
    code: 'INTERNAL',
    reason: CLI_REASON.unexpectedAnswer,
    message: `the server answered ${answer.status} with: ${answer.text.slice(0, EXCERPT_CHARS) || '(nothing)'}`,
    hint: 'is that address a Tasker server of this version?',
  })

const jsonIn = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const parsed = <Schema extends z.ZodType>(answer: HttpAnswer, schema: Schema): z.output<Schema> => {
  const read = schema.safeParse(jsonIn(answer.text))
  if (read.success) return read.data
  throw unexpected(answer)
}
