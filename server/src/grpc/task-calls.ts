/** The unary calls of `TaskService`: one task, or a page of many. */
import { type Instant, instant, LIMITS, namespaceOf, type TaskStatus, unreachable } from '@tasker/core'
import {
  ListOrder,
  type GetRequest,
  type GetResponse,
  type ListRequest,
  type ListResponse,
  type SubmitRequest,
  type SubmitResponse,
} from '@tasker/proto'
import type { SubmitAnswer } from '../engine/api.js'
import { Fault, type InputProblem } from '../faults.js'
import type { PageStart } from '../query/page-start.js'
import { LISTING_LIMITS, type TaskSort } from '../query/query.js'
import { TASK_STATUSES } from '../query/rows.js'
import type { EngineDoor, GrpcDoor } from './door.js'
import { invalidFields, outOfRange } from './input-faults.js'
import { submitResponse } from './session-stream.js'
import { readSubmission, withContextPaths } from './submission.js'
import { wireRow, wireTask } from './task-message.js'
import { taskAt, wireAsOf } from './task-moment.js'
import { checkText } from './text-fields.js'

export const submitTask = async (door: EngineDoor, request: SubmitRequest): Promise<SubmitResponse> => {
  const read = readSubmission(request)
  if (read.type === 'refused') throw new Fault(read.fault)
  const answer = await new Promise<SubmitAnswer>((resolve) => door.engine.submit(read.submission, resolve))
  if (answer.type === 'failed') throw new Fault(withContextPaths(answer.fault))
  return submitResponse(request.requestId === '' ? read.submission.requestId : request.requestId, answer)
}

export const getTask = async (door: EngineDoor, request: GetRequest): Promise<GetResponse> => {
  const snapshot = await taskAt(door, request)
  return { task: wireTask(snapshot), asOf: wireAsOf(snapshot) }
}

/** All that a list of tasks asks of the read side. */
export type TaskLists = Pick<GrpcDoor['query'], 'listTasks'>

export const listTasks = async (door: { readonly query: TaskLists }, request: ListRequest): Promise<ListResponse> => {
  refuseIf(filterProblems(request))
  const start: PageStart = request.cursor === '' ? { type: 'first' } : { type: 'cursor', cursor: request.cursor }
  const page = await door.query.listTasks({
    filter: {
      namespace: request.namespace === '' ? undefined : namespaceOf(request.namespace),
      name: given(request.name),
      version: given(request.version),
      statuses: statusesOf(request.status),
      tag: given(request.tag),
      correlationId: given(request.correlationId),
      initiator: given(request.initiator),
      createdFrom: instantOrNone(request.createdFromMs),
      createdBefore: instantOrNone(request.createdBeforeMs),
      updatedFrom: instantOrNone(request.updatedFromMs),
      updatedBefore: instantOrNone(request.updatedBeforeMs),
      text: given(request.text),
    },
    sort: sortOf(request.order),
    limit: request.limit === 0 ? LIMITS.pageItemsDefault : request.limit,
    start,
    consistencyTokens: request.consistencyTokens,
  })
  return { tasks: page.rows.map(wireRow), nextCursor: page.nextCursor ?? '' }
}

const instantOrNone = (ms: number): Instant | undefined => (ms === 0 ? undefined : instant(ms))

const sortOf = (order: ListOrder): TaskSort => {
  switch (order) {
    case ListOrder.LIST_ORDER_CREATED_ASC:
      return { by: 'created_at', direction: 'asc' }
    case ListOrder.LIST_ORDER_UPDATED_ASC:
      return { by: 'updated_at', direction: 'asc' }
    case ListOrder.LIST_ORDER_UPDATED_DESC:
      return { by: 'updated_at', direction: 'desc' }
    case ListOrder.LIST_ORDER_UNSPECIFIED:
    case ListOrder.LIST_ORDER_CREATED_DESC:
    case ListOrder.UNRECOGNIZED:
      return { by: 'created_at', direction: 'desc' }
    default:
      return unreachable(order)
  }
}

const given = (text: string): string | undefined => (text === '' ? undefined : text)

const filterProblems = (request: ListRequest): InputProblem[] => {
  const problems: InputProblem[] = []
  checkText(problems, '/namespace', request.namespace)
  checkText(problems, '/name', request.name)
  checkText(problems, '/version', request.version)
  checkText(problems, '/tag', request.tag)
  checkText(problems, '/correlation_id', request.correlationId)
  checkText(problems, '/initiator', request.initiator)
  checkText(problems, '/text', request.text, LISTING_LIMITS.textCharsMax)
  checkText(problems, '/cursor', request.cursor, CURSOR_CHARS_MAX)
  if (request.limit > LIMITS.pageItemsMax)
    problems.push({
      code: 'OUT_OF_RANGE',
      path: '/limit',
      message: `limit is at most ${LIMITS.pageItemsMax}, not ${request.limit}`,
    })
  if (request.consistencyTokens.length > LISTING_LIMITS.consistencyTokensMax)
    problems.push({
      code: 'OUT_OF_RANGE',
      path: '/consistency_tokens',
      message: `more than ${LISTING_LIMITS.consistencyTokensMax} consistency tokens`,
    })
  return problems
}

/** Cursors are short; this bounds what is looked at. */
const CURSOR_CHARS_MAX = 1_024

const refuseIf = (problems: readonly InputProblem[]): void => {
  if (problems.length > 0) throw new Fault(invalidFields(problems))
}

const STATUS_BY_NAME: ReadonlyMap<string, TaskStatus> = new Map(TASK_STATUSES.map((status) => [status, status]))

export const statusesOf = (names: readonly string[]): readonly TaskStatus[] => {
  const known: TaskStatus[] = []
  for (const [index, name] of names.entries()) {
    const status = STATUS_BY_NAME.get(name)
    if (status === undefined)
      throw new Fault(outOfRange(`/status/${index}`, `there is no such status; there are ${TASK_STATUSES.join(', ')}`))
    known.push(status)
  }
  return known
}
