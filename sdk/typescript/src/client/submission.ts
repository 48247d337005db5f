/** A submission as the caller says it, and as the wire carries it. */
import { OnDuplicate, type Payload, type SubmitRequest } from '@tasker/proto'
import { durationMs, type Duration } from '../duration.js'
import { TaskerError } from '../errors/tasker-error.js'
import { LIMITS } from '../limits.js'
import { serialize } from '../step/json.js'
import { jsonPayload } from '../step/payload.js'
import { signalOf } from './signal.js'

export interface SubmitOptions {
  /** The same key gives the same task within namespace and name. */
  readonly idempotencyKey?: string
  /** What the same key does: refuse with `CONFLICT` (the default), or give the task that is there. */
  readonly onDuplicate?: 'reject' | 'return'
  /** Higher runs first; the template's when not said. */
  readonly priority?: number
  readonly tags?: readonly string[]
  readonly reason?: string
  readonly initiator?: string
  readonly sourceSystem?: string
  readonly correlationId?: string
  readonly parentCorrelationId?: string
  /** Not before this instant. */
  readonly runAt?: Date
  /** For a durable function, whether this submission begins it or it is there: then it is given back, whatever `onDuplicate` says. */
  readonly signal?: { readonly name: string; readonly payload?: unknown }
  /** Not before so long has passed; not together with `runAt`. */
  readonly delay?: Duration
  /** A ULID that names this submission: the same one gives the same task. Made by the client when not given. */
  readonly requestId?: string
}

/** Which task to run, by name: the latest version when none is given. */
export interface TaskRef {
  readonly name: string
  /** The client's when not given. */
  readonly namespace?: string
  readonly version?: string
  /** What has one is a definition, whose input is checked by its type. */
  readonly template?: never
}

/** Throws `INVALID_INPUT` or `TOO_LARGE` for an input that no message could carry. */
export const submitRequest = (
  task: { readonly namespace: string; readonly name: string; readonly version: string },
  input: unknown,
  requestId: string,
  options: SubmitOptions,
): Omit<SubmitRequest, 'watchOutcome'> => ({
  requestId,
  namespace: task.namespace,
  name: task.name,
  version: task.version,
  context: inputPayload(input),
  initiator: options.initiator ?? '',
  sourceSystem: options.sourceSystem ?? '',
  reason: options.reason ?? '',
  tags: options.tags === undefined ? [] : [...options.tags],
  priority: options.priority,
  correlationId: options.correlationId ?? '',
  parentCorrelationId: options.parentCorrelationId ?? '',
  idempotencyKey: options.idempotencyKey ?? '',
  runAtMs: options.runAt === undefined ? 0 : options.runAt.getTime(),
  delayMs: options.delay === undefined ? 0 : durationMs(options.delay),
  onDuplicate: duplicateRule(options.onDuplicate),
  signal: options.signal === undefined ? undefined : signalOf(options.signal.name, options.signal.payload),
})

const duplicateRule = (rule: 'reject' | 'return' | undefined): OnDuplicate => {
  switch (rule) {
    case undefined:
      return OnDuplicate.ON_DUPLICATE_UNSPECIFIED
    case 'reject':
      return OnDuplicate.ON_DUPLICATE_REJECT
    case 'return':
      return OnDuplicate.ON_DUPLICATE_RETURN
  }
}

/** Throws `INVALID_INPUT` or `TOO_LARGE` for an input that no message could carry. */
export const inputPayload = (input: unknown): Payload => jsonPayload(inputBytes(input))

const inputBytes = (input: unknown): Buffer => {
  const serialized = serialize(input)
  if (serialized.type === 'unserializable') {
    const { path, what } = serialized.problem
    throw new TaskerError({
      code: 'INVALID_INPUT',
      reason: 'INPUT_NOT_SERIALIZABLE',
      message: `${path === '' ? 'the input' : `the input at ${path}`} is ${what}, which JSON cannot hold`,
      errors: [{ code: 'NOT_SERIALIZABLE', message: `is ${what}`, path }],
    })
  }
  if (serialized.data.length <= LIMITS.inputBytesMax) return serialized.data
  throw new TaskerError({
    code: 'TOO_LARGE',
    reason: 'CONTEXT_TOO_LARGE',
    message: `the input has ${serialized.data.length} bytes, more than any server takes`,
    hint: 'store it elsewhere and submit where it is',
  })
}
