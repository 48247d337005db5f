/** What all routes share: the typed app they are added to, and how they answer. */
import { type Instant, type JsonText, parseTaskId, type TaskId } from '@tasker/core'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { ConsistencyToken, TaskSnapshot } from '../engine/api.js'
import { Fault } from '../faults.js'
import { readAt } from '../query/moment.js'
import type { RestDoor } from './door.js'

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>

/** Whoever sends a request without a credential. */
export const ANONYMOUS = 'anonymous'

const JSON_TYPE = 'application/json; charset=utf-8'
const CONSISTENCY_HEADER = 'tasker-consistency-token'

/** The text goes out as it is: nothing is serialised again. */
export const sendJson = (reply: FastifyReply, status: number, text: JsonText): FastifyReply =>
  reply.code(status).type(JSON_TYPE).send(text)

export const sendText = (reply: FastifyReply, type: string, text: string): FastifyReply => reply.type(type).send(text)

export const withToken = (reply: FastifyReply, token: ConsistencyToken): FastifyReply => reply.header(CONSISTENCY_HEADER, token)

/** The moment of a task's past that an address asks for. */
interface MomentQuery {
  readonly at_version?: number | undefined
  readonly at_time?: Instant | undefined
}

/** The task an address names, now or as of a moment; throws `TASK_NOT_FOUND`. */
export const readTask = async (door: RestDoor, text: string, moment: MomentQuery = {}): Promise<TaskSnapshot> => {
  const taskId = taskIdIn(text)
  const snapshot = await readAt(door.engine, taskId, { version: moment.at_version, at: moment.at_time })
  if (snapshot === undefined) throw taskNotFound(taskId)
  return snapshot
}

export const taskIdIn = (text: string): TaskId => {
  const taskId = parseTaskId(text)
  if (taskId === undefined) throw taskNotFound(text, 'A task id is a ULID: 26 letters and digits.')
  return taskId
}

export const taskNotFound = (id: string, hint?: string): Fault =>
  new Fault({
    code: 'NOT_FOUND',
    reason: 'TASK_NOT_FOUND',
    message: `There is no task ${id}.`,
    ...(hint === undefined ? {} : { hint }),
  })
