/** A bug that a test plants in a world: in the way of a port, or in the place of a part. */
import type { ConnectResponse } from '@tasker/proto'
import type { WorkerPort } from '@tasker/server/internal/engine/api'
import type { Clock } from '@tasker/server/internal/engine/clock'
import type { PartMakers } from '@tasker/server/internal/engine/engine-parts'
import type { EventLog } from '@tasker/server/internal/log/port'
import type { ProjectionStore } from '@tasker/server/internal/projections/port'
import type { Life } from './life.js'

export interface PlantedBug {
  readonly name: string
  /** What the checker that finds it says. */
  readonly foundAs: RegExp
  readonly log?: (log: EventLog, clock: Clock, life: Life) => EventLog
  readonly store?: (store: ProjectionStore) => ProjectionStore
  readonly port?: (port: WorkerPort) => WorkerPort
  /** On the wire between a server and a worker that has the SDK. */
  readonly message?: (message: ConnectResponse) => ConnectResponse
  /** In what such a worker makes of it. */
  readonly heard?: (message: ConnectResponse) => ConnectResponse
  readonly makers?: (store: ProjectionStore) => Partial<PartMakers>
}
