/** The wiring diagram of the engine: which part is built on which, and who is called when something happens. */
import {
  decideSchedule,
  type DurationMs,
  handlerQueue,
  isFunctionQueue,
  LIMITS,
  type Lifecycle,
  type Partition,
  type Plan,
  type ReadyRow,
  type TaskId,
  type TemplateHash,
  type TimerRow,
  type WorkerId,
} from '@tasker/core'
import { inBackground } from '../background.js'
import { Dispatcher } from '../dispatch/dispatcher.js'
import { KeyQueues } from '../dispatch/key-queues.js'
import type { AttemptTimeout, ConnectedWorker } from '../dispatch/worker.js'
import { Workers } from '../dispatch/workers.js'
import type { CommitProbe, EventLog } from '../log/port.js'
import type { ProjectionStore } from '../projections/port.js'
import { Projector } from '../projections/projector.js'
import { Upkeep, type UpkeepPorts } from '../projections/upkeep.js'
import { EventBus } from '../publishers/bus.js'
import { DomainFeed } from '../publishers/feed.js'
import { Publisher } from '../publishers/publisher.js'
import type { EventTransport } from '../publishers/transport.js'
import type { EngineMetrics } from '../telemetry/metrics.js'
import type { SchemaCheck } from '../templates/json-schema.js'
import { TimerWheel } from '../timers/timer-wheel.js'
import { TimerWindow } from '../timers/timer-window.js'
import type { FaultDetail } from '../faults.js'
import type { AttemptRef, QueueInfo, Submission, SubmitAnswer } from './api.js'
import { Children } from './children/children.js'
import type { Clock } from './clock.js'
import { type DeliveryTargets, deliver } from './deliveries.js'
import { Followers } from './followers.js'
import { GroupCommit, type GroupCommitHooks } from './group-commit.js'
import { Sealer, type SealingPorts } from './seals/sealer.js'
import { ScheduleStreams } from './schedules/schedule-streams.js'
import { Schedules } from './schedules/schedules.js'
import { KeyStreams } from './keys/key-streams.js'
import { Keys } from './keys/keys.js'
import { Quarantine, type QuarantinedStream } from './quarantine.js'
import { Readiness } from './readiness.js'
import { Reads } from './reads.js'
import { StreamCache } from './stream-cache.js'
import { type SnapshotSource, StreamLoader } from './stream-loader.js'
import { Submissions } from './submissions.js'
import type { TaskCommit } from './task-stream.js'
import { TASK_RULES, type TaskRules } from './task-rules.js'
import { type RuntimeHooks, TaskRuntime } from './task-runtime.js'
import { TemplateCatalog } from './template-catalog.js'
import { UnservedQueues } from './unserved.js'
import { reportUnserved } from './unserved-step.js'
import { tellQueues } from './waiting-queues.js'

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

const MAKERS: PartMakers = {
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

export interface EngineParts {
  readonly commits: GroupCommit
  readonly readiness: Readiness
  readonly cache: StreamCache
  readonly quarantine: Quarantine
  readonly wheel: TimerWheel
  readonly workers: Workers
  readonly projector: Projector
  readonly dispatcher: Dispatcher
  readonly keys: Keys
  readonly schedules: Schedules
  readonly children: Children
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
  readonly upkeep: Upkeep | undefined
  readonly sealer: Sealer | undefined
}

/** Characters of events text of one append. */
const BATCH_CHARS_MAX = 8 * 1024 * 1024

export const buildParts = (ports: EnginePorts, settings: EngineSettings, calls: EngineCalls): EngineParts => {
  const { log, clock, metrics } = ports
  const make = { ...MAKERS, ...ports.makers }
  const followers = new Followers()
  const wheel = make.wheel(clock)
  const cache = make.cache(settings.cacheBytesMax)
  const commits: GroupCommit = groupCommit(ports, settings, calls, {
    acknowledged: () => readiness.proved(),
    durable: (rows) => sealer?.durable(rows),
  })
  const readiness = readinessOf(ports, commits, calls)
  const sealer = sealerOf(ports, commits)
  const quarantine = new Quarantine(calls.quarantined)
  const projector = projectorOf(make, ports, settings, calls, () => dispatcher)
  const workers = workersOf(clock, wheel, settings, calls, () => dispatcher.poke())
  const dispatcher: Dispatcher = new Dispatcher(clock, workers, projector, calls.start, settings.readyWindowMax)
  const timers = new TimerWindow(clock, wheel, projector, calls.timerDue, { ...LIMITS, ...settings.limits })
  const catalog = catalogOf(ports, settings, commits, projector)
  const plans = (hash: TemplateHash): Plan | undefined => catalog.planOf(hash)
  const loader = new StreamLoader(log, cache, quarantine, plans, snapshotsOf(ports, settings))
  const keys: Keys = keysOf(ports, settings, { commits, projector, loader, wheel }, () => runtime)
  const ready = (row: ReadyRow): void => {
    if (row.gate !== undefined) keys.add(row)
    else if (isFunctionQueue(row.queue)) children.ready(row)
    else dispatcher.add(row)
  }
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
    children: { committed: (commit) => children.committed(commit) },
    undeliverable: calls.released,
  }
  const hooks = hooksOf(calls, targets, quarantine)
  const runtime: TaskRuntime = new TaskRuntime(clock, commits, cache, workers, dispatcher, hooks, make.rules)
  const submissions = new Submissions({ partitionCount: log.partitionCount, catalog, cache, loader, runtime, projector })
  const children: Children = childrenOf(ports, settings, { loader, runtime, submissions, dispatcher })
  const reads = readsOf(ports, calls, { plans, loader, runtime, followers, keys })
  const schedules = schedulesOf(make, ports, calls, { commits, projector, wheel, catalog, reads })
  return {
    commits,
    readiness,
    cache,
    quarantine,
    wheel,
    workers,
    projector,
    dispatcher,
    keys,
    schedules,
    children,
    ready,
    timers,
    unserved: unservedQueues(ports, settings, () => dispatcher.infos(), { loader, runtime }),
    followers,
    catalog,
    loader,
    runtime,
    submissions,
    reads,
    publisher,
    domainEvents,
    sealer,
    upkeep: upkeepOf(ports, { projector, catalog, dispatcher, keys, children }),
  }
}

/** A stream that is set aside leaves memory: who runs or follows it hears no more of it. */
const hooksOf = ({ commitLost }: EngineCalls, targets: DeliveryTargets, quarantine: Quarantine): RuntimeHooks => ({
  durable: (commit, seq) => deliver(commit, seq, targets),
  lost: commitLost,
  quarantine: (stream, error) => {
    targets.cache.drop(stream)
    targets.workers.endTask(stream.taskId)
    targets.followers.failed(stream.taskId, quarantine.addDecision(stream.taskId, stream.version, error).detail)
  },
})

const readsOf = (
  { log }: EnginePorts,
  { assertReadable }: EngineCalls,
  {
    keys,
    ...parts
  }: { plans: (hash: TemplateHash) => Plan | undefined } & Pick<EngineParts, 'loader' | 'runtime' | 'followers' | 'keys'>,
): Reads => new Reads({ ...parts, log, assertReadable, keyLines: (taskId, task) => keys.lines(taskId, task) })

const catalogOf = (
  { log, clock, schemaCheck }: EnginePorts,
  { environment, lifecycle }: EngineSettings,
  commits: GroupCommit,
  projector: Projector,
): TemplateCatalog =>
  new TemplateCatalog(log, clock, commits, schemaCheck, environment, lifecycle, (partition, seq, at) =>
    projector.add({ partition, seq, at, task: undefined, identity: undefined, activity: [] }),
  )

const snapshotsOf = ({ store }: EnginePorts, { snapshotEvents = LIMITS.snapshotEvents }: EngineSettings): SnapshotSource => ({
  events: snapshotEvents,
  read: (taskId) => store.snapshot(taskId),
})

const readinessOf = ({ clock, probe }: EnginePorts, commits: GroupCommit, { overtaken }: EngineCalls): Readiness =>
  new Readiness(
    { clock, probe, heads: () => commits.settledHeads, overtaken },
    { everyMs: LIMITS.commitProbeMs, silentMs: LIMITS.commitProbeSilentMs, clockOffsetMsMax: LIMITS.clockOffsetMsMax },
  )

const projectorOf = (
  make: PartMakers,
  { store, clock }: EnginePorts,
  { projectionIntervalMs, snapshotEvents = LIMITS.snapshotEvents, limits = {} }: EngineSettings,
  { overtaken }: EngineCalls,
  dispatcher: () => Dispatcher,
): Projector =>
  make.projector(
    store,
    clock,
    {
      intervalMs: projectionIntervalMs,
      snapshotEvents,
      backlogTasksMax: limits.unprojectedTasksMax ?? LIMITS.unprojectedTasksMax,
      backlogBytesMax: limits.unprojectedBytesMax ?? LIMITS.unprojectedBytesMax,
    },
    {
      conflicted: overtaken,
      behind: (behind) => (behind ? dispatcher().pause('projections') : dispatcher().resume('projections')),
    },
  )

/** Queues hear of rows that a rebuild brought back; timers, keys and identities are read from the rows anyway. */
const upkeepOf = (
  { upkeep, store, clock }: EnginePorts,
  {
    projector,
    catalog,
    dispatcher,
    keys,
    children,
  }: Pick<EngineParts, 'projector' | 'catalog' | 'dispatcher' | 'keys' | 'children'>,
): Upkeep | undefined =>
  upkeep &&
  new Upkeep(
    upkeep,
    { projector, clock, plans: (hash) => catalog.planOf(hash), checkpoints: () => store.checkpoints() },
    (name) => {
      if (name === 'ready_step') inBackground(tellQueues({ store, keys, dispatcher, children }).then(noQueues, noQueues))
    },
  )

/** Rows that cannot be read just now are found by the refills that come. */
const noQueues = (): void => undefined

const sealerOf = ({ log, clock, metrics, sealing }: EnginePorts, commits: GroupCommit): Sealer | undefined =>
  sealing && new Sealer(sealing, log.audit, clock, metrics, (commit) => commits.enqueue(commit))

const keysOf = (
  { log, store, clock, metrics }: EnginePorts,
  { readyWindowMax }: EngineSettings,
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
      appended: (namespace, queue, folded, place) =>
        projector.add({ ...place, task: undefined, identity: undefined, activity: [], key: { namespace, queue, ...folded } }),
    }),
    queues: (serve) => new KeyQueues(clock, projector, serve, readyWindowMax),
    granted: (count) => metrics.keysGranted(count),
  })

const schedulesOf = (
  { decideSchedule: decide }: PartMakers,
  { log, store, clock, metrics }: EnginePorts,
  { submit, cancel, refusal }: EngineCalls,
  { commits, projector, wheel, catalog, reads }: Pick<EngineParts, 'commits' | 'projector' | 'wheel' | 'catalog' | 'reads'>,
): Schedules =>
  new Schedules({
    clock,
    wheel,
    catalog,
    metrics,
    submit,
    cancel,
    refusal,
    awaitOutcome: (taskId, call) => reads.awaitOutcome(taskId, call),
    streams: new ScheduleStreams({
      decide,
      log,
      clock,
      commits,
      row: (namespace, name) => store.schedule(namespace, name),
      appended: (namespace, name, folded, place) =>
        projector.add({ ...place, task: undefined, identity: undefined, activity: [], schedule: { namespace, name, ...folded } }),
    }),
  })

const childrenOf = (
  { clock, store, draw, schemaCheck }: EnginePorts,
  { cancelGraceMs }: EngineSettings,
  { loader, runtime, submissions, dispatcher }: Pick<EngineParts, 'loader' | 'runtime' | 'submissions' | 'dispatcher'>,
): Children =>
  new Children({
    loader,
    runtime,
    clock,
    cancelGraceMs,
    draw,
    check: schemaCheck,
    submit: (submission, answer) => submissions.submit(submission, answer),
    linked: (after, limit) => store.linked(after, limit),
    behind: (behind) => (behind ? dispatcher.pause('children') : dispatcher.resume('children')),
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
  hooks: Pick<GroupCommitHooks, 'acknowledged' | 'durable'>,
): GroupCommit =>
  new GroupCommit(
    log,
    clock,
    { batchCommitsMax, batchCharsMax: BATCH_CHARS_MAX },
    {
      ...hooks,
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
