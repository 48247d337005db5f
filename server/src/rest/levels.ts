/** The levels that a scrape of the metrics reads from the engine. */
import type { Engine } from '../engine/api.js'
import type { EngineLevels } from '../telemetry/metrics.js'

export const readLevels = (engine: Pick<Engine, 'health' | 'workers' | 'queues' | 'keys' | 'watch'>): EngineLevels => {
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
    domainEventLagSeconds: health.domainEvents.lagMs / 1_000,
    sealWaitingSeconds: (health.seals?.waitingMs ?? 0) / 1_000,
    sealUnpublishedSeconds: (health.seals?.unpublishedMs ?? 0) / 1_000,
  }
}
