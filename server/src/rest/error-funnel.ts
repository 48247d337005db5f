/** The one place where anything thrown behind the door becomes an answer. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Fault, type FaultDetail } from '../faults.js'
import { PROBLEM_TYPE, problemOf } from './problem.js'
import type { DoorLogger } from './door.js'

export const installErrorFunnel = (app: FastifyInstance, logger: DoorLogger): void => {
  app.setErrorHandler((error, request, reply) => sendProblem(reply, request, detailOf(error, request, logger)))
  app.setNotFoundHandler((request, reply) => sendProblem(reply, request, unknownRoute(request)))
}

/** Faults are answered as they are, what fastify refused is named, and anything else is ours: logged whole, told in one sentence. */
export const detailOf = (error: unknown, request: FastifyRequest, logger: DoorLogger): FaultDetail => {
  const fault = faultIn(error)
  if (fault?.code === 'INTERNAL') logger.error({ err: error, url: request.url }, 'a request failed')
  if (fault !== undefined) return fault.detail
  const refused = fastifyRefusal(error)
  if (refused !== undefined) return refused
  logger.error({ err: error, url: request.url, requestId: request.id }, 'a request failed for a reason nobody foresaw')
  return {
    code: 'INTERNAL',
    reason: 'INTERNAL_ERROR',
    message: `The server failed; its log says why, under request ${request.id}.`,
    retryable: false,
  }
}

/** Fastify writes a status onto errors of validation, so faults found there come wrapped. */
const faultIn = (error: unknown): Fault | undefined => {
  if (error instanceof Fault) return error
  return error instanceof Error && error.cause instanceof Fault ? error.cause : undefined
}

const fastifyRefusal = (error: unknown): FaultDetail | undefined => {
  if (!(error instanceof Error) || !('statusCode' in error) || typeof error.statusCode !== 'number') return undefined
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (error.statusCode === 415) return unsupportedMediaType()
  if (error.statusCode === 413) return { code: 'TOO_LARGE', reason: 'BODY_TOO_LARGE', message: error.message }
  if (error.statusCode < 400 || error.statusCode >= 500) return undefined
  return { code: 'INVALID_INPUT', reason: 'BAD_REQUEST', message: code === '' ? error.message : `${error.message} (${code})` }
}

export const unsupportedMediaType = (): FaultDetail => ({
  code: 'INVALID_INPUT',
  reason: 'UNSUPPORTED_MEDIA_TYPE',
  message: 'The Content-Type of the body is not one that this address reads.',
  hint: 'Send JSON with the header Content-Type: application/json; templates may be application/yaml too.',
})

const unknownRoute = (request: FastifyRequest): FaultDetail => ({
  code: 'NOT_FOUND',
  reason: 'ROUTE_NOT_FOUND',
  message: `There is no ${request.method} ${request.url.split('?', 1)[0] ?? ''}.`,
  hint: 'GET /openapi.json lists every address, /docs shows them.',
})

export const sendProblem = (reply: FastifyReply, request: FastifyRequest, detail: FaultDetail): FastifyReply => {
  const { status, headers, body } = problemOf(detail, request.url)
  return reply.code(status).headers(headers).type(PROBLEM_TYPE).send(body)
}
