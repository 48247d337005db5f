/** The levels that a scrape of the metrics reads from the engine. */
import type { RetentionDoor } from '../archive/api.js'
import type { Engine } from '../engine/api.js'
import type { EngineLevels, ProjectionLag } from '../telemetry/metrics.js'

/** All projections are written together, so that they lag together. */
export const readLags = (engine: Pick<Engine, 'health'>, projections: readonly string[]): readonly ProjectionLag[] => {
  const { projectionLags } = engine.health()
  return projections.flatMap((projection) =>
    projectionLags.map(({ partition, commits, lagMs }) => ({ projection, partition, commits, seconds: lagMs / 1_000 })),
  )
}

export const readLevels = (
  engine: Pick<Engine, 'health' | 'workers' | 'queues' | 'keys' | 'watch'>,
  retention?: Pick<RetentionDoor, 'health'>,
): EngineLevels => {
  const health = engine.health()
  const workers = engine.workers().filter(({ state }) => state !== 'disconnected')
  const keys = engine.keys()
  return {
    pendingCommits: health.pendingCommits,
    projectionLagSeconds: health.projectionLagMs / 1_000,
    workers: workers.length,
    slots: workers.reduce((sum, { slots }) => sum + slots, 0),
    slotsBusy: workers.reduce((sum, { busy }) => sum + busy, 0),
    readySteps: engine.queues().reduce((sum, { waiting }) => sum + waiting, 0),
    keyStepsWaiting: keys.reduce((sum, { waiting }) => sum + waiting, 0),
    keyPlacesHeld: keys.reduce((sum, { held }) => sum + held, 0),
    quarantinedStreams: health.quarantined.length,
    unservedQueues: engine.watch.unservedQueues().length,
    ready: health.ready ? 1 : 0,
    clockOffsetSeconds: health.clockOffsetMs / 1_000,
    limits: health.limits,
    archiveLagSeconds: (retention?.health().lagMs ?? 0) / 1_000,
    domainEventLagSeconds: health.domainEvents.lagMs / 1_000,
    sealWaitingSeconds: (health.seals?.waitingMs ?? 0) / 1_000,
    sealUnpublishedSeconds: (health.seals?.unpublishedMs ?? 0) / 1_000,
  }
}
