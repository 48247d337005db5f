/** What the engine is given: its settings, the ports that it works on, and who is told what its parts report. */
import {
  decideSchedule,
  type DurationMs,
  type Lifecycle,
  type Partition,
  type ReadyRow,
  type TaskId,
  type TimerRow,
  type WorkerId,
} from '@tasker/core'
import type { AttemptTimeout, ConnectedWorker } from '../dispatch/worker.js'
import type { FaultDetail } from '../faults.js'
import type { CommitProbe, EventLog } from '../log/port.js'
import type { ProjectionStore } from '../projections/port.js'
import { Projector } from '../projections/projector.js'
import type { UpkeepPorts } from '../projections/upkeep.js'
import type { EventTransport } from '../publishers/transport.js'
import type { EngineMetrics } from '../telemetry/metrics.js'
import type { SchemaCheck } from '../templates/json-schema.js'
import { TimerWheel } from '../timers/timer-wheel.js'
import type { AttemptRef, Submission, SubmitAnswer } from './api.js'
import type { Clock } from './clock.js'
import type { QuarantinedStream } from './quarantine.js'
import type { SealingPorts } from './seals/sealer.js'
import { StreamCache } from './stream-cache.js'
import { TASK_RULES, type TaskRules } from './task-rules.js'
import type { TaskCommit } from './task-stream.js'

export type EngineLimit =
  | 'waitingCommitsMax'
  | 'waitingCharsMax'
  | 'unprojectedTasksMax'
  | 'unprojectedBytesMax'
  | 'timerHorizonMs'

export interface EngineSettings {
  /** Names this process in `partition.acquired`. */
  readonly node: string
  readonly batchCommitsMax: number
  readonly cacheBytesMax: number
  readonly projectionIntervalMs: DurationMs
  /** Events of a task between two snapshots of it; `LIMITS.snapshotEvents` when undefined. */
  readonly snapshotEvents?: number
  /** Bounds that tests lower; those of `LIMITS` when undefined. */
  readonly limits?: Partial<Record<EngineLimit, number>>
  readonly workerGraceMs: DurationMs
  readonly workerSilenceMs: DurationMs
  readonly cancelGraceMs: DurationMs
  /** Registering other content under a version replaces it, also when the caller does not ask. */
  readonly templateReplace: boolean
  /** Whose overrides in `environments` count for tasks submitted from now on; none when undefined. */
  readonly environment: string | undefined
  /** What holds for tasks whose template says nothing. */
  readonly lifecycle: Lifecycle
  /** A queue without workers is reported after this. */
  readonly workerUnavailableMs: DurationMs
  /** A step that waits in such a queue for this long makes a dead letter of its task. */
  readonly workerUnavailableDeadLetterMs: DurationMs
  /** Entries of one ready queue kept in memory; `LIMITS.windowEntriesMax` when undefined. */
  readonly readyWindowMax?: number
}

export interface EnginePorts {
  readonly log: EventLog
  readonly store: ProjectionStore
  readonly clock: Clock
  readonly schemaCheck: SchemaCheck
  readonly metrics: EngineMetrics
  /** A draw from [0, 1), for jitter. */
  readonly draw: () => number
  /** Where domain events go; none are published when undefined, and those that are recorded wait in the log. */
  readonly publishing?: PublishingPorts
  /** How an idle server knows that it could commit; without one it believes so until an append says otherwise. */
  readonly probe?: CommitProbe
  /** What looks after the rows; nobody does when undefined. */
  readonly upkeep?: UpkeepPorts
  /** How seals are made; none are when undefined. */
  readonly sealing?: SealingPorts
  /** How parts are made that are not made as a server makes them. */
  readonly makers?: Partial<PartMakers>
}

/** What parts are made of. The simulation keeps hold of some of them, and puts broken ones in their place to see whether that is noticed. */
export interface PartMakers {
  readonly rules: TaskRules
  readonly decideSchedule: typeof decideSchedule
  readonly cache: (bytesMax: number) => StreamCache
  readonly wheel: (clock: Clock) => TimerWheel
  readonly projector: (...parts: ConstructorParameters<typeof Projector>) => Projector
}

/** As a server makes them. */
export const MAKERS: PartMakers = {
  rules: TASK_RULES,
  decideSchedule,
  cache: (bytesMax) => new StreamCache(bytesMax),
  wheel: (clock) => new TimerWheel(clock),
  projector: (...parts) => new Projector(...parts),
}

export interface PublishingPorts {
  readonly transport: EventTransport
  /** The transport went away, or came back. */
  readonly available: (available: boolean, message: string) => void
  /** A commit whose domain events cannot be read is passed over. */
  readonly unreadable: (stream: string, error: unknown) => void
}

/** What parts report to the engine that holds them. */
export interface EngineCalls {
  readonly partitionLost: (partition: Partition, message: string) => void
  readonly logAvailable: (available: boolean, message: string) => void
  readonly overtaken: (message: string) => void
  readonly released: (ref: AttemptRef, reason: string) => void
  readonly workerLost: (ref: AttemptRef, worker: WorkerId, why: string) => void
  readonly timedOut: (ref: AttemptRef, kind: AttemptTimeout) => void
  readonly start: (row: ReadyRow, worker: ConnectedWorker) => void
  readonly timerDue: (row: TimerRow, done: () => void) => void
  readonly commitLost: (commit: TaskCommit) => void
  readonly quarantined: (stream: QuarantinedStream) => void
  readonly assertReadable: () => void
  readonly submit: (submission: Submission, answer: (answer: SubmitAnswer) => void) => void
  readonly cancel: (taskId: TaskId, reason: string) => Promise<unknown>
  readonly refusal: () => FaultDetail | undefined
}
