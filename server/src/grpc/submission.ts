/** The wall for submissions: a form that fits becomes a command for the engine, anything else is refused with every failing field. */
import { durationMs, LIMITS, instant, namespaceOf, parseTaskId, trustedJson, unreachable, type JsonText } from '@tasker/core'
import { OnDuplicate, type SubmitRequest } from '@tasker/proto'
import { monotonicFactory } from 'ulid'
import type { Submission } from '../engine/api.js'
import type { FaultDetail, InputProblem } from '../faults.js'
import { readPayload } from './payload.js'
import { readSignal } from './read-signal.js'
import { checkText, requireText } from './text-fields.js'

export type ReadSubmission =
  | { readonly type: 'submission'; readonly submission: Submission }
  | { readonly type: 'refused'; readonly fault: FaultDetail }

/** Who is recorded as the actor when no credential names one. */
export const ANONYMOUS = 'anonymous'

/** The last instant a date can hold. */
const RUN_AT_MS_MAX = 8.64e15
const EMPTY_CONTEXT = trustedJson('{}')
const OPENS_OBJECT = /^[ \t\r\n]*\{/

const newRequestId = monotonicFactory()

export const readSubmission = (wire: SubmitRequest): ReadSubmission => {
  const context = contextOf(wire)
  if (context.type === 'refused') return context
  const signal = wire.signal === undefined ? undefined : readSignal(wire.signal)
  if (signal?.type === 'refused') return signal
  const problems = fieldProblems(wire)
  if (problems.length > 0) return refusedForm(problems)
  const submission: Submission = {
    requestId: wire.requestId === '' ? newRequestId() : wire.requestId.toUpperCase(),
    namespace: namespaceOf(wire.namespace),
    name: wire.name,
    version: given(wire.version),
    context: context.text,
    actor: ANONYMOUS,
    initiator: given(wire.initiator),
    sourceSystem: given(wire.sourceSystem),
    reason: given(wire.reason),
    tags: wire.tags,
    priority: wire.priority,
    correlationId: given(wire.correlationId),
    parentCorrelationId: given(wire.parentCorrelationId),
    idempotencyKey: given(wire.idempotencyKey),
    runAt: wire.runAtMs === 0 ? undefined : instant(wire.runAtMs),
    delayMs: wire.delayMs === 0 ? undefined : durationMs(wire.delayMs),
    onDuplicate: wire.onDuplicate === OnDuplicate.ON_DUPLICATE_RETURN ? 'return' : 'reject',
    signal: signal?.signal,
  }
  return { type: 'submission', submission }
}

const given = (text: string): string | undefined => (text === '' ? undefined : text)

type ReadContext =
  | { readonly type: 'context'; readonly text: JsonText }
  | { readonly type: 'refused'; readonly fault: FaultDetail }

const contextOf = (wire: SubmitRequest): ReadContext => {
  if (wire.context === undefined) return { type: 'context', text: EMPTY_CONTEXT }
  const read = readPayload(wire.context, LIMITS.contextBytesMax, 'the context')
  switch (read.type) {
    case 'json':
      if (OPENS_OBJECT.test(read.text)) return { type: 'context', text: read.text }
      return refusedForm([{ code: 'WRONG_TYPE', path: '/context', message: 'the context is no JSON object' }])
    case 'too_large':
      return refused({ code: 'TOO_LARGE', reason: 'CONTEXT_TOO_LARGE', message: read.message })
    case 'encoding':
      return refused({ code: 'INVALID_INPUT', reason: 'ENCODING_NOT_SUPPORTED', message: read.message })
    case 'not_json':
      return refusedForm([{ ...read.problem, path: `/context${read.problem.path}` }])
    default:
      return unreachable(read)
  }
}

/** The engine points into the context; the submission's own place for it is `/context`. */
export const withContextPaths = (fault: FaultDetail): FaultDetail => {
  if (fault.reason !== 'CONTEXT_INVALID' || fault.errors === undefined) return fault
  return { ...fault, errors: fault.errors.map((problem) => ({ ...problem, path: `/context${problem.path}` })) }
}

const refused = (fault: FaultDetail): { readonly type: 'refused'; readonly fault: FaultDetail } => ({ type: 'refused', fault })

const refusedForm = (problems: readonly InputProblem[]): { readonly type: 'refused'; readonly fault: FaultDetail } =>
  refused({
    code: 'INVALID_INPUT',
    reason: 'INVALID_INPUT',
    message: `the submission does not fit: ${problems.map(({ message }) => message).join('; ')}`,
    errors: problems,
    retryable: false,
  })

const fieldProblems = (wire: SubmitRequest): InputProblem[] => {
  const problems: InputProblem[] = []
  if (wire.requestId !== '' && parseTaskId(wire.requestId) === undefined)
    problems.push({ code: 'WRONG_TYPE', path: '/request_id', message: 'request_id is no ULID' })
  requireText(problems, '/namespace', wire.namespace)
  requireText(problems, '/name', wire.name)
  checkText(problems, '/version', wire.version, LIMITS.versionCharsMax)
  checkText(problems, '/initiator', wire.initiator)
  checkText(problems, '/source_system', wire.sourceSystem)
  checkText(problems, '/reason', wire.reason, LIMITS.reasonCharsMax)
  checkText(problems, '/correlation_id', wire.correlationId)
  checkText(problems, '/parent_correlation_id', wire.parentCorrelationId)
  checkText(problems, '/idempotency_key', wire.idempotencyKey)
  checkTags(problems, wire.tags)
  const max = LIMITS.priorityMax
  if (wire.priority !== undefined && Math.abs(wire.priority) > max)
    problems.push({ code: 'OUT_OF_RANGE', path: '/priority', message: `priority is outside ${-max} to ${max}` })
  if (wire.runAtMs > RUN_AT_MS_MAX)
    problems.push({ code: 'OUT_OF_RANGE', path: '/run_at_ms', message: `run_at_ms is above ${RUN_AT_MS_MAX}` })
  if (wire.delayMs > LIMITS.delayMsMax)
    problems.push({ code: 'OUT_OF_RANGE', path: '/delay_ms', message: `delay_ms is above ${LIMITS.delayMsMax}` })
  if (wire.delayMs > 0 && wire.runAtMs > 0)
    problems.push({ code: 'BAD_VALUE', path: '/delay_ms', message: 'run_at_ms says already when it starts' })
  if (wire.onDuplicate === OnDuplicate.UNRECOGNIZED || wire.onDuplicate > OnDuplicate.ON_DUPLICATE_RETURN)
    problems.push({ code: 'OUT_OF_RANGE', path: '/on_duplicate', message: 'on_duplicate has a value this server does not know' })
  return problems
}

const checkTags = (problems: InputProblem[], tags: readonly string[]): void => {
  if (tags.length > LIMITS.tagsMax)
    problems.push({ code: 'OUT_OF_RANGE', path: '/tags', message: `${tags.length} tags; ${LIMITS.tagsMax} are allowed` })
  else tags.forEach((tag, index) => requireText(problems, `/tags/${index}`, tag))
}
