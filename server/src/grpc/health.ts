/** The standard health service, `grpc.health.v1`: serving while the engine is ready. */
import type { Server } from '@grpc/grpc-js'
import { HealthImplementation, type ServingStatus } from 'grpc-health-check'
import type { Engine } from '../engine/api.js'

/** How often the engine is asked; a check is at most this much behind. */
const HEALTH_POLL_MS = 500

export const HEALTH_SERVICES = ['', 'tasker.v1.WorkerService', 'tasker.v1.TaskService', 'tasker.v1.TemplateService'] as const

/** Adds the service; the answer stops asking the engine and says NOT_SERVING from then on. */
export const addHealth = (server: Server, engine: Engine): (() => void) => {
  const health = new HealthImplementation()
  const tell = (status: ServingStatus): void => {
    for (const service of HEALTH_SERVICES) health.setStatus(service, status)
  }
  let told: ServingStatus | undefined
  const look = (): void => {
    const status: ServingStatus = engine.health().ready ? 'SERVING' : 'NOT_SERVING'
    if (status !== told) tell(status)
    told = status
  }
  look()
  health.addToServer(server)
  const timer = setInterval(look, HEALTH_POLL_MS)
  timer.unref()
  return () => {
    clearInterval(timer)
    tell('NOT_SERVING')
  }
}
