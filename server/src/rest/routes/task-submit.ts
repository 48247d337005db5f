/** `POST /v1/tasks`: a task is accepted once the log holds it. */
import { durationMs, jsonOf, LIMITS, namespaceOf, type TaskId } from '@tasker/core'
import { monotonicFactory } from 'ulid'
import type { z } from 'zod'
import type { Submission, SubmitAnswer } from '../../engine/api.js'
import { Fault, type FaultDetail } from '../../faults.js'
import type { BodyRules } from '../body/rules.js'
import type { RestDoor } from '../door.js'
import { SIGNAL_TOO_LARGE, signalIn } from '../body/signal.js'
import { objectText } from '../json-text.js'
import { REST_LIMITS } from '../limits.js'
import { ANONYMOUS, type App, sendJson, withToken } from '../route.js'
import { ulidField } from '../schema/fields.js'
import { problems } from '../schema/problem.js'
import { SUBMISSION, TASK } from '../schema/task.js'
import { invalidMember, invalidRequest } from '../validation.js'
import { taskText } from '../views/task-text.js'

const BODY: BodyRules = {
  form: 'json',
  bytesMax: LIMITS.contextBytesMax + LIMITS.signalBytesMax + REST_LIMITS.submissionOverheadBytesMax,
  optional: false,
  raw: { member: 'context', bytesMax: LIMITS.contextBytesMax, tooLarge: 'CONTEXT_TOO_LARGE' },
  alsoRaw: { member: 'signal', bytesMax: LIMITS.signalBytesMax + REST_LIMITS.commandBytesMax, tooLarge: SIGNAL_TOO_LARGE },
}

const REQUEST_ID_HEADER = 'tasker-request-id'
const newRequestId = monotonicFactory()

export const addSubmitRoute = (app: App, door: RestDoor): void => {
  app.post(
    '/v1/tasks',
    {
      config: { body: BODY },
      schema: {
        tags: ['tasks'],
        summary: 'Submit a task',
        description:
          'Answers when the log holds the task. Repeat a submission whose answer was lost with the same request id, in `request_id` or the header ' +
          '`Tasker-Request-Id`: it gives the same task.',
        body: SUBMISSION,
        response: {
          201: TASK.describe('The task, new.'),
          200: TASK.describe('The task that was there: a repeat, or on_duplicate: return.'),
          ...problems(400, 404, 409, 413, 415, 422, 503),
        },
      },
    },
    async (request, reply) => {
      if (request.body.run_at !== undefined && request.body.delay_ms !== undefined) throw twoStarts()
      const requestId = requestIdOf(request.body.request_id, request.headers[REQUEST_ID_HEADER])
      const answer = await submitted(door, submissionOf(request.body, requestId))
      if (answer.type === 'failed') throw new Fault(withBodyPaths(answer.fault))
      withToken(reply, answer.token).header('location', `/v1/tasks/${answer.taskId}`)
      return sendJson(reply, answer.type === 'created' ? 201 : 200, await acceptedText(door, answer.taskId))
    },
  )
}

const submitted = (door: RestDoor, submission: Submission): Promise<SubmitAnswer> =>
  new Promise((resolve) => door.engine.submit(submission, resolve))

/** The engine points into the context; callers of this address sent a body with the context in it. */
const withBodyPaths = (fault: FaultDetail): FaultDetail => {
  if (fault.reason !== 'CONTEXT_INVALID' || fault.errors === undefined) return fault
  return { ...fault, errors: fault.errors.map((problem) => ({ ...problem, path: `/context${problem.path}` })) }
}

/** The task is durable already: that it cannot be read back this moment must not look like a refusal. */
const acceptedText = async (door: RestDoor, taskId: TaskId) => {
  try {
    const snapshot = await door.engine.read(taskId)
    if (snapshot !== undefined) return taskText(snapshot)
  } catch (error) {
    door.logger.warn({ err: error, taskId }, 'a task was accepted but could not be read back')
  }
  return objectText({ task_id: jsonOf(taskId) })
}

const requestIdOf = (inBody: string | undefined, header: string | string[] | undefined): string => {
  const inHeader = typeof header === 'string' ? header : undefined
  if (inHeader !== undefined) {
    const parsed = ulidField.safeParse(inHeader)
    if (!parsed.success) throw badRequestId('The header Tasker-Request-Id is no ULID.')
    if (inBody !== undefined && inBody.toUpperCase() !== inHeader.toUpperCase())
      throw badRequestId('The header Tasker-Request-Id and request_id in the body are not the same.')
  }
  return (inBody ?? inHeader ?? newRequestId()).toUpperCase()
}

const twoStarts = (): Fault => invalidMember('BAD_VALUE', '/delay_ms', 'run_at says already when it starts')

const badRequestId = (message: string): Fault =>
  invalidRequest([{ code: 'custom', path: ['request_id'], message, input: undefined }], { request_id: message }, [])

const submissionOf = (body: z.output<typeof SUBMISSION>, requestId: string): Submission => ({
  requestId,
  namespace: namespaceOf(body.namespace),
  name: body.name,
  version: body.version,
  context: body.context,
  actor: ANONYMOUS,
  initiator: body.initiator,
  sourceSystem: body.source_system,
  reason: body.reason,
  tags: body.tags ?? [],
  priority: body.priority,
  correlationId: body.correlation_id,
  parentCorrelationId: body.parent_correlation_id,
  idempotencyKey: body.idempotency_key,
  runAt: body.run_at,
  delayMs: body.delay_ms === undefined ? undefined : durationMs(body.delay_ms),
  onDuplicate: body.on_duplicate ?? 'reject',
  signal: body.signal === undefined ? undefined : signalIn(body.signal),
})
