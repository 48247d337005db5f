/** What operators and load balancers ask: workers, queues, health, metrics, settings. */
import { instant, instantText, jsonOf } from '@tasker/core'
import type { EngineHealth, UnservedQueue } from '../../engine/api.js'
import type { RestDoor } from '../door.js'
import { type App, sendJson, sendText } from '../route.js'
import { CONFIG, DETAILED_HEALTH, HEALTH, QUEUE_LIST, WORKER_LIST } from '../schema/operations.js'
import { queuesText, workersText } from '../views/list-text.js'

export const addOperationRoutes = (app: App, door: RestDoor): void => {
  const tags = ['operations']
  app.get('/v1/workers', { schema: { tags, summary: 'List the workers', response: { 200: WORKER_LIST } } }, async (_, reply) =>
    sendJson(reply, 200, workersText(door.engine.workers())),
  )
  app.get(
    '/v1/queues',
    { schema: { tags, summary: 'List the queues of ready steps', response: { 200: QUEUE_LIST } } },
    async (_, reply) => sendJson(reply, 200, queuesText(door.engine.queues(), door.engine.watch.unservedQueues())),
  )
  app.get('/metrics', { schema: { tags, summary: 'Metrics in the Prometheus text format' } }, async (_, reply) => {
    const { contentType, text } = await door.metrics.scrape()
    return sendText(reply, contentType, text)
  })
  app.get(
    '/config',
    { schema: { tags, summary: 'The settings in force, without secrets', response: { 200: CONFIG } } },
    async (_, reply) => sendJson(reply, 200, jsonOf(door.info.config)),
  )
}

export const addHealthRoutes = (app: App, door: RestDoor): void => {
  const tags = ['health']
  const head = (health: EngineHealth) => {
    const unserved = door.engine.watch.unservedQueues()
    return {
      status: health.ready && health.quarantined.length === 0 && unserved.length === 0 ? 'ok' : 'degraded',
      version: door.info.version,
      problems: [...health.problems, ...unserved.map(unservedProblem)],
    }
  }
  app.get(
    '/health',
    { schema: { tags, summary: 'Whether all is well; 200 as long as the process answers', response: { 200: HEALTH } } },
    async (_, reply) => sendJson(reply, 200, jsonOf(head(door.engine.health()))),
  )
  app.get(
    '/health/live',
    { schema: { tags, summary: 'Whether the process answers', response: { 200: HEALTH } } },
    async (_, reply) => sendJson(reply, 200, jsonOf({ status: 'ok', version: door.info.version, problems: [] })),
  )
  app.get(
    '/health/ready',
    { schema: { tags, summary: 'Whether work is taken; 503 when not', response: { 200: HEALTH, 503: HEALTH } } },
    async (_, reply) => {
      const health = door.engine.health()
      return sendJson(reply, health.ready ? 200 : 503, jsonOf(head(health)))
    },
  )
  app.get(
    '/health/detailed',
    { schema: { tags, summary: 'Health with figures', response: { 200: DETAILED_HEALTH } } },
    async (_, reply) => {
      const health = door.engine.health()
      return sendJson(reply, 200, jsonOf({ ...head(health), ...figures(door, health) }))
    },
  )
}

/** `worker_unavailable`, in a sentence. */
const unservedProblem = ({ namespace, handler, waiting, since }: UnservedQueue): string =>
  `${waiting} ${waiting === 1 ? 'step waits' : 'steps wait'} for ${handler} in ${namespace}, and no worker offers it since ${instantText(since)}`

const figures = (door: RestDoor, health: EngineHealth) => ({
  ready: health.ready,
  started_at: instantText(instant(door.info.startedAt)),
  uptime_seconds: Math.round((Date.now() - door.info.startedAt) / 1_000),
  partitions: health.partitions,
  pending_commits: health.pendingCommits,
  projection_lag_ms: health.projectionLagMs,
  domain_events: { lag_ms: health.domainEvents.lagMs, problem: health.domainEvents.problem ?? null },
  seals:
    health.seals === undefined
      ? null
      : {
          waiting_ms: health.seals.waitingMs,
          unpublished_ms: health.seals.unpublishedMs,
          problem: health.seals.problem ?? null,
        },
  workers: door.engine.workers().length,
  unserved_queues: door.engine.watch.unservedQueues().map(({ namespace, handler, waiting, since }) => ({
    namespace,
    handler,
    waiting,
    since: instantText(since),
  })),
  quarantined: health.quarantined.map(({ taskId, position, message }) => ({ task_id: taskId, position, message })),
})
