/** The REST door as a fastify app: parsers, walls, documentation and routes. It listens nowhere yet. */
import fastify, { type FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { installBodyParsers } from './body/parse.js'
import { addOpenApiRoute, installDocumentation } from './documentation.js'
import type { RestDoor } from './door.js'
import { detailOf, installErrorFunnel, sendProblem } from './error-funnel.js'
import { REST_LIMITS } from './limits.js'
import type { App } from './route.js'
import { addAuditRoutes } from './routes/audit.js'
import { addDeadLetterRoutes } from './routes/dead-letters.js'
import { addHealthRoutes, addOperationRoutes } from './routes/operations.js'
import { addPages } from './routes/pages.js'
import { addProjectionRoutes } from './routes/projections.js'
import { addAnalyticsRoutes } from './routes/analytics.js'
import { addKeyRoutes } from './routes/keys.js'
import { addRetentionRoutes } from './routes/retention.js'
import { addScheduleRoutes } from './routes/schedules.js'
import { addStepRoutes } from './routes/steps.js'
import { addBulkRoute } from './routes/task-bulk.js'
import { addExplainRoutes } from './routes/task-explain.js'
import { addPastRoutes } from './routes/task-past.js'
import { addCancelRoutes } from './routes/task-cancel.js'
import { addEventsRoute } from './routes/task-events.js'
import { addListRoute } from './routes/task-list.js'
import { addReadRoutes } from './routes/task-read.js'
import { addOrderRoutes } from './routes/task-orders.js'
import { addResultRoute } from './routes/task-result.js'
import { addSignalRoutes } from './routes/task-signals.js'
import { addUpdateRoute } from './routes/task-updates.js'
import { addSubmitRoute } from './routes/task-submit.js'
import { addTemplateRoutes } from './routes/templates.js'
import { addValidateRoute } from './routes/template-validate.js'
import { eventStreams, STREAM_TIMES, type StreamTimes } from './stream/event-streams.js'
import { validatorCompiler } from './validation.js'

/** `stopping` ends long polls and live streams. */
export const buildRestApp = async (
  door: RestDoor,
  stopping: AbortSignal,
  streamTimes: StreamTimes = STREAM_TIMES,
): Promise<App> => {
  const app = newApp(door)
  app.setValidatorCompiler(validatorCompiler)
  // Answers are text already; what is not is plain JSON.
  app.setSerializerCompiler(() => (value) => JSON.stringify(value))
  installErrorFunnel(app, door.logger)
  installBodyParsers(app)
  countRequests(app, door)
  await installDocumentation(app, door.info.version)
  addRoutes(app, door, stopping, streamTimes)
  await app.ready()
  return app
}

const newApp = (door: RestDoor): App & FastifyInstance =>
  fastify({
    logger: false,
    requestTimeout: REST_LIMITS.requestMsMax,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: REST_LIMITS.pathPartCharsMax, ignoreTrailingSlash: true },
    frameworkErrors: (error, request, reply) => void sendProblem(reply, request, detailOf(error, request, door.logger)),
  }).withTypeProvider<ZodTypeProvider>()

const addRoutes = (app: App, door: RestDoor, stopping: AbortSignal, streamTimes: StreamTimes): void => {
  addSubmitRoute(app, door)
  addListRoute(app, door)
  addReadRoutes(app, door)
  addExplainRoutes(app, door)
  addPastRoutes(app, door)
  addCancelRoutes(app, door)
  addOrderRoutes(app, door)
  addSignalRoutes(app, door)
  addUpdateRoute(app, door, stopping)
  addBulkRoute(app, door)
  addStepRoutes(app, door)
  addResultRoute(app, door, stopping)
  addEventsRoute(app, door, eventStreams(door, stopping, streamTimes))
  addTemplateRoutes(app, door)
  addValidateRoute(app)
  addDeadLetterRoutes(app, door)
  addOperationRoutes(app, door)
  addKeyRoutes(app, door)
  addRetentionRoutes(app, door)
  addScheduleRoutes(app, door)
  addAuditRoutes(app, door)
  addProjectionRoutes(app, door)
  addHealthRoutes(app, door)
  addAnalyticsRoutes(app, door)
  addPages(app, door)
  addOpenApiRoute(app)
}

const countRequests = (app: App, { metrics, logger }: RestDoor): void => {
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'
    metrics.httpRequest(request.method, route, reply.statusCode, reply.elapsedTime / 1_000)
    logger.debug({ method: request.method, url: request.url, status: reply.statusCode, tookMs: reply.elapsedTime }, 'answered')
  })
}
