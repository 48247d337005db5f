/** The wiring diagram of the engine: which part is built on which, and who is called when something happens. */
import {
  type DurationMs,
  handlerQueue,
  LIMITS,
  type Lifecycle,
  type Partition,
  type ReadyRow,
  type TimerRow,
  type WorkerId,
} from '@tasker/core'
import { Dispatcher } from '../dispatch/dispatcher.js'
import { KeyQueues } from '../dispatch/key-queues.js'
import type { AttemptTimeout, ConnectedWorker } from '../dispatch/worker.js'
import { Workers } from '../dispatch/workers.js'
import type { EventLog } from '../log/port.js'
import type { ProjectionStore } from '../projections/port.js'
import { Projector } from '../projections/projector.js'
import { EventBus } from '../publishers/bus.js'
import { DomainFeed } from '../publishers/feed.js'
import { Publisher } from '../publishers/publisher.js'
import type { EventTransport } from '../publishers/transport.js'
import type { EngineMetrics } from '../telemetry/metrics.js'
import type { SchemaCheck } from '../templates/json-schema.js'
import { TimerWheel } from '../timers/timer-wheel.js'
import { TimerWindow } from '../timers/timer-window.js'
import type { AttemptRef, QueueInfo } from './api.js'
import type { Clock } from './clock.js'
import { type DeliveryTargets, deliver } from './deliveries.js'
import { Followers } from './followers.js'
import { GroupCommit, type GroupCommitHooks } from './group-commit.js'
import { Sealer, type SealingPorts } from './seals/sealer.js'
import { KeyStreams } from './keys/key-streams.js'
import { Keys } from './keys/keys.js'
import { Quarantine, type QuarantinedStream } from './quarantine.js'
import { Reads } from './reads.js'
import { StreamCache } from './stream-cache.js'
import { StreamLoader } from './stream-loader.js'
import { Submissions } from './submissions.js'
import type { TaskCommit } from './task-stream.js'
import { TaskRuntime } from './task-runtime.js'
import { TemplateCatalog } from './template-catalog.js'
import { UnservedQueues } from './unserved.js'
import { reportUnserved } from './unserved-step.js'

export interface EngineSettings {
  /** Names this process in `partition.acquired`. */
  readonly node: string
  readonly batchCommitsMax: number
  readonly cacheBytesMax: number
  readonly projectionIntervalMs: DurationMs
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
  /** How seals are made; none are when undefined. */
  readonly sealing?: SealingPorts
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
  readonly timerDue: (row: TimerRow) => void
  readonly commitLost: (commit: TaskCommit) => void
  readonly quarantined: (stream: QuarantinedStream) => void
  readonly assertReadable: () => void
}

export interface EngineParts {
  readonly commits: GroupCommit
  readonly cache: StreamCache
  readonly quarantine: Quarantine
  readonly wheel: TimerWheel
  readonly workers: Workers
  readonly projector: Projector
  readonly dispatcher: Dispatcher
  readonly keys: Keys
  /** Where a step waits that is ready: for its key, or for a worker. */
  readonly ready: (row: ReadyRow) => void
  readonly timers: TimerWindow
  readonly unserved: UnservedQueues
  readonly followers: Followers
  readonly catalog: TemplateCatalog
  readonly loader: StreamLoader
  readonly runtime: TaskRuntime
  readonly submissions: Submissions
  readonly reads: Reads
  readonly publisher: Publisher | undefined
  readonly domainEvents: DomainFeed
  readonly sealer: Sealer | undefined
}

/** Characters of events text of one append. */
const BATCH_CHARS_MAX = 8 * 1024 * 1024

export const buildParts = (ports: EnginePorts, settings: EngineSettings, calls: EngineCalls): EngineParts => {
  const { log, store, clock, metrics } = ports
  const followers = new Followers()
  const wheel = new TimerWheel(clock)
  const cache = new StreamCache(settings.cacheBytesMax)
  const commits: GroupCommit = groupCommit(ports, settings, calls, (rows) => sealer?.durable(rows))
  const sealer = sealerOf(ports, commits)
  const quarantine = new Quarantine(calls.quarantined)
  const projector = new Projector(store, clock, { intervalMs: settings.projectionIntervalMs }, calls.overtaken)
  const workers = workersOf(clock, wheel, settings, calls, () => dispatcher.poke())
  const dispatcher = new Dispatcher(clock, workers, projector, calls.start)
  const timers = new TimerWindow(clock, wheel, projector, calls.timerDue)
  const { environment, lifecycle } = settings
  const catalog = new TemplateCatalog(log, clock, commits, ports.schemaCheck, environment, lifecycle, (partition, seq, at) =>
    projector.add({ partition, seq, at, task: undefined, identity: undefined, activity: [] }),
  )
  const loader = new StreamLoader(log, cache, quarantine, (hash) => catalog.planOf(hash))
  const keys: Keys = keysOf(ports, { commits, projector, loader, wheel }, () => runtime)
  const ready = (row: ReadyRow): void => (row.gate === undefined ? dispatcher.add(row) : keys.add(row))
  const publisher = publisherOf(ports)
  const domainEvents = new DomainFeed(log, new EventBus((events) => metrics.domainEventsDropped(events)))
  const targets: DeliveryTargets = {
    workers,
    ready,
    keysOf: (taskId, state) => keys.sync(taskId, state),
    timers,
    followers,
    projector,
    cache,
    metrics,
    publisher,
    domainEvents,
    undeliverable: calls.released,
  }
  const runtime: TaskRuntime = new TaskRuntime(clock, commits, cache, workers, dispatcher, {
    durable: (commit, seq) => deliver(commit, seq, targets),
    lost: calls.commitLost,
    quarantine: (stream, error) => {
      cache.drop(stream)
      workers.endTask(stream.taskId)
      followers.failed(stream.taskId, quarantine.addDecision(stream.taskId, stream.version, error).detail)
    },
  })
  const unserved = unservedQueues(ports, settings, () => dispatcher.infos(), { loader, runtime })
  const submissions = new Submissions({ partitionCount: log.partitionCount, catalog, cache, loader, runtime, projector })
  const keyLines: Keys['lines'] = (taskId, task) => keys.lines(taskId, task)
  const reads = new Reads({ keyLines, log, loader, runtime, followers, assertReadable: calls.assertReadable })
  return {
    commits,
    cache,
    quarantine,
    wheel,
    workers,
    projector,
    dispatcher,
    keys,
    ready,
    timers,
    unserved,
    followers,
    catalog,
    loader,
    runtime,
    submissions,
    reads,
    publisher,
    domainEvents,
    sealer,
  }
}

const sealerOf = ({ log, clock, metrics, sealing }: EnginePorts, commits: GroupCommit): Sealer | undefined =>
  sealing && new Sealer(sealing, log.audit, clock, metrics, (commit) => commits.enqueue(commit))

const keysOf = (
  { log, store, clock, metrics }: EnginePorts,
  { commits, projector, loader, wheel }: Pick<EngineParts, 'commits' | 'projector' | 'loader' | 'wheel'>,
  runtime: () => TaskRuntime,
): Keys =>
  new Keys({
    clock,
    wheel,
    loader,
    runtime,
    streams: new KeyStreams({
      log,
      clock,
      commits,
      row: (namespace, queue) => store.key(namespace, queue),
      appended: (key, partition, seq, at) =>
        projector.add({ partition, seq, at, task: undefined, identity: undefined, activity: [], key }),
    }),
    queues: (serve) => new KeyQueues(clock, projector, serve),
    granted: (count) => metrics.keysGranted(count),
  })

const publisherOf = ({ log, clock, metrics, publishing }: EnginePorts): Publisher | undefined => {
  if (publishing === undefined) return undefined
  const { transport, available, unreadable } = publishing
  return new Publisher(log, transport, clock, {
    published: (events, seconds) => metrics.domainEventsPublished(events, seconds),
    failed: (message) => {
      metrics.domainEventsFailed()
      available(false, message)
    },
    recovered: () => available(true, ''),
    unreadable: ({ stream }, error) => unreadable(stream.id, error),
  })
}

const groupCommit = (
  { log, clock, metrics }: EnginePorts,
  { batchCommitsMax }: EngineSettings,
  calls: EngineCalls,
  durable: NonNullable<GroupCommitHooks['durable']>,
): GroupCommit =>
  new GroupCommit(
    log,
    clock,
    { batchCommitsMax, batchCharsMax: BATCH_CHARS_MAX },
    {
      durable,
      flushed: (count, appendMs) => metrics.commitsAppended(count, appendMs / 1_000),
      failed: (result) => metrics.appendFailed(result),
      partitionLost: calls.partitionLost,
      logAvailable: calls.logAvailable,
    },
  )

const unservedQueues = (
  { clock, store }: EnginePorts,
  { workerUnavailableMs, workerUnavailableDeadLetterMs }: EngineSettings,
  queues: () => readonly QueueInfo[],
  { loader, runtime }: { readonly loader: StreamLoader; readonly runtime: TaskRuntime },
): UnservedQueues =>
  new UnservedQueues(
    clock,
    { reportMs: workerUnavailableMs, deadLetterMs: workerUnavailableDeadLetterMs, stepsMax: LIMITS.unservedStepsMax },
    {
      queues,
      waiting: (namespace, handler, ...asked) => store.longestWaiting(namespace, handlerQueue(handler), ...asked),
      found: reportUnserved({ loader, runtime, clock, thresholdMs: workerUnavailableDeadLetterMs }),
    },
  )

const workersOf = (
  clock: Clock,
  wheel: TimerWheel,
  { workerGraceMs, workerSilenceMs }: EngineSettings,
  calls: EngineCalls,
  slotsFreed: () => void,
): Workers =>
  new Workers(
    clock,
    wheel,
    { graceMs: workerGraceMs, silenceMs: workerSilenceMs },
    { released: calls.released, lost: calls.workerLost, timedOut: calls.timedOut, slotsFreed },
  )
