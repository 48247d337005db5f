/** Puts a task submission together: the context byte for byte as given, and a request id made before the first try. */
import { readFile } from 'node:fs/promises'
import { text as textOf } from 'node:stream/consumers'
import { ulid } from 'ulid'
import { z } from 'zod'
import { usageFault } from './exit.js'
import { type HttpClient } from './http-client.js'
import { repeated, SUBMIT_REPEATS } from './repeat.js'
import { type TemplateRef } from './template-ref.js'
import { type Fault } from '../faults.js'

export interface SubmitFlags {
  readonly requestId?: string
  readonly idempotencyKey?: string
  readonly onDuplicate?: string
  readonly tag?: readonly string[]
  readonly priority?: number
  readonly initiator?: string
  readonly sourceSystem?: string
  readonly reason?: string
  readonly correlationId?: string
  readonly runAt?: string
  readonly signal?: string
  /** JSON. */
  readonly signalPayload?: string
  readonly delay?: number
}

/** The JSON text of a flag such as `--context`: the text itself, `@file`, or `-` for stdin. `what` names it in errors. */
export const jsonSource = async (source: string, stdin: NodeJS.ReadableStream, what: string): Promise<string> => {
  const text = await sourceText(source, stdin, what)
  try {
    JSON.parse(text)
  } catch (thrown) {
    throw usageFault(
      `the ${what} is not JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      `give JSON such as '{"order_id":"A-1"}', @file.json, or - for stdin`,
    )
  }
  return text
}

const sourceText = async (source: string, stdin: NodeJS.ReadableStream, what: string): Promise<string> => {
  if (source === '-') return textOf(stdin)
  if (!source.startsWith('@')) return source
  try {
    return await readFile(source.slice(1), 'utf8')
  } catch (thrown) {
    throw usageFault(`cannot read the ${what}: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  }
}

/** The body of `POST /v1/tasks`; the context goes in as text, so that no number or key of it is altered. */
export const submissionBody = (template: TemplateRef, context: string, requestId: string, flags: SubmitFlags): string => {
  const fields = {
    request_id: requestId,
    namespace: template.namespace,
    name: template.name,
    version: template.version,
    idempotency_key: flags.idempotencyKey,
    on_duplicate: flags.onDuplicate,
    tags: flags.tag,
    priority: flags.priority,
    initiator: flags.initiator,
    source_system: flags.sourceSystem,
    reason: flags.reason,
    correlation_id: flags.correlationId,
    run_at: flags.runAt,
    delay_ms: flags.delay,
  }
  const { signal, signalPayload = 'null' } = flags
  const told = signal === undefined ? '' : `,"signal":{"name":${JSON.stringify(signal)},"payload":${signalPayload.trim()}}`
  return `${JSON.stringify(fields).slice(0, -1)},"context":${context.trim()}${told}}`
}

const submitted = z.looseObject({ task_id: z.string(), status: z.string().optional() })

export interface Submitted {
  readonly taskId: string
  /** Whether the task was there before, by its request id or its key. */
  readonly existing: boolean
  /** The server's answer as it came. */
  readonly text: string
}

/** Submits, and repeats with the same request id while the answer is lost, so that one submission is one task. */
export const submitTask = async (
  http: HttpClient,
  template: TemplateRef,
  context: string,
  flags: SubmitFlags,
  onRepeat: (fault: Fault, tryNumber: number) => void,
): Promise<Submitted> => {
  const body = { type: 'application/json', text: submissionBody(template, context, flags.requestId ?? ulid(), flags) }
  const answer = await repeated(SUBMIT_REPEATS, () => http.send({ method: 'POST', path: '/v1/tasks', body }), onRepeat)
  const read = submitted.parse(JSON.parse(answer.text))
  return { taskId: read.task_id, existing: answer.status === 200, text: answer.text }
}
