/** What all routes share: the typed app they are added to, and how they answer. */
import { type JsonText, parseTaskId, type TaskId } from '@tasker/core'
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

/** The task an address names; throws `TASK_NOT_FOUND`. */
export const readTask = async (door: RestDoor, text: string): Promise<TaskSnapshot> => {
  const taskId = taskIdIn(text)
  const snapshot = await door.engine.read(taskId)
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
