/** The unary calls of `TaskService`: one task, or a page of many. */
import { LIMITS, namespaceOf, type TaskStatus } from '@tasker/core'
import type {
  CancelRequest,
  CancelResponse,
  GetRequest,
  GetResponse,
  ListRequest,
  ListResponse,
  SubmitRequest,
  SubmitResponse,
} from '@tasker/proto'
import type { SubmitAnswer } from '../engine/api.js'
import { Fault } from '../faults.js'
import type { PageStart } from '../query/query.js'
import type { GrpcDoor } from './door.js'
import { refusalFault } from './errors.js'
import { outOfRange, taskNotFound } from './input-faults.js'
import { submitResponse } from './session-stream.js'
import { ANONYMOUS, readSubmission } from './submission.js'
import { wireRow, wireTask } from './task-message.js'
import { requiredTaskId } from './unary.js'

export const submitTask = async (door: GrpcDoor, request: SubmitRequest): Promise<SubmitResponse> => {
  const read = readSubmission(request)
  if (read.type === 'refused') throw new Fault(read.fault)
  const answer = await new Promise<SubmitAnswer>((resolve) => door.engine.submit(read.submission, resolve))
  if (answer.type === 'failed') throw new Fault(answer.fault)
  return submitResponse(request.requestId === '' ? read.submission.requestId : request.requestId, answer)
}

export const getTask = async (door: GrpcDoor, request: GetRequest): Promise<GetResponse> => {
  const taskId = requiredTaskId(request.taskId)
  const snapshot = await door.engine.read(taskId)
  if (snapshot === undefined) throw new Fault(taskNotFound(taskId))
  return { task: wireTask(snapshot) }
}

export const cancelTask = async (door: GrpcDoor, request: CancelRequest): Promise<CancelResponse> => {
  const taskId = requiredTaskId(request.taskId)
  if (request.reason.length > LIMITS.nameCharsMax)
    throw new Fault(outOfRange('/reason', `reason is longer than ${LIMITS.nameCharsMax} characters`))
  const answer = await door.engine.cancel(taskId, request.reason === '' ? undefined : request.reason, ANONYMOUS)
  switch (answer.type) {
    case 'done':
      return { consistencyToken: answer.token }
    case 'refused':
      throw new Fault(refusalFault(answer.refusal))
    case 'failed':
      throw new Fault(answer.fault)
  }
}

export const listTasks = async (door: GrpcDoor, request: ListRequest): Promise<ListResponse> => {
  if (request.limit > LIMITS.pageItemsMax)
    throw new Fault(outOfRange('/limit', `limit is at most ${LIMITS.pageItemsMax}, not ${request.limit}`))
  const start: PageStart = request.cursor === '' ? { type: 'first' } : { type: 'cursor', cursor: request.cursor }
  const page = await door.query.listTasks({
    filter: {
      namespace: request.namespace === '' ? undefined : namespaceOf(request.namespace),
      name: given(request.name),
      version: given(request.version),
      statuses: statusesOf(request.status),
      tag: given(request.tag),
      correlationId: given(request.correlationId),
    },
    limit: request.limit === 0 ? LIMITS.pageItemsDefault : request.limit,
    start,
    consistencyTokens: request.consistencyTokens,
  })
  return { tasks: page.rows.map(wireRow), nextCursor: page.nextCursor ?? '' }
}

const given = (text: string): string | undefined => (text === '' ? undefined : text)

/** Every status people are shown; the type keeps the table whole. */
const STATUSES: { readonly [Status in TaskStatus]: Status } = {
  scheduled: 'scheduled',
  pending: 'pending',
  steps_in_process: 'steps_in_process',
  waiting_for_dependencies: 'waiting_for_dependencies',
  waiting_for_retry: 'waiting_for_retry',
  cancelling: 'cancelling',
  blocked_by_failures: 'blocked_by_failures',
  complete: 'complete',
  cancelled: 'cancelled',
}
const STATUS_BY_NAME: ReadonlyMap<string, TaskStatus> = new Map(Object.entries(STATUSES))

const statusesOf = (names: readonly string[]): readonly TaskStatus[] =>
  names.map((name, index) => {
    const status = STATUS_BY_NAME.get(name)
    if (status === undefined)
      throw new Fault(
        outOfRange(
          `/status/${index}`,
          `there is no status ${JSON.stringify(name)}; there are ${[...STATUS_BY_NAME.keys()].join(', ')}`,
        ),
      )
    return status
  })
