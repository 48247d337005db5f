/** The wiring diagram of the engine: which part is built on which, and who is called when something happens. */
import { handlerQueue, isFunctionQueue, LIMITS, type Plan, type ReadyRow, type TemplateHash } from '@tasker/core'
import { inBackground } from '../background.js'
import { Dispatcher } from '../dispatch/dispatcher.js'
import { KeyQueues } from '../dispatch/key-queues.js'
import { Workers } from '../dispatch/workers.js'
import { type Projector } from '../projections/projector.js'
import { Upkeep } from '../projections/upkeep.js'
import { EventBus } from '../publishers/bus.js'
import { DomainFeed } from '../publishers/feed.js'
import { Publisher } from '../publishers/publisher.js'
import { type TimerWheel } from '../timers/timer-wheel.js'
import { TimerWindow } from '../timers/timer-window.js'
import type { QueueInfo } from './api.js'
import { Children } from './children/children.js'
import type { Clock } from './clock.js'
import { type DeliveryTargets, deliver } from './deliveries.js'
import { type EngineCalls, type EnginePorts, type EngineSettings, MAKERS, type PartMakers } from './engine-ports.js'
import { Followers } from './followers.js'
import { GroupCommit, type GroupCommitHooks } from './group-commit.js'
import { Sealer } from './seals/sealer.js'
import { ScheduleStreams } from './schedules/schedule-streams.js'
import { Schedules } from './schedules/schedules.js'
import { KeyStreams } from './keys/key-streams.js'
import { Keys } from './keys/keys.js'
import { Quarantine } from './quarantine.js'
import { Readiness } from './readiness.js'
import { Reads } from './reads.js'
import { type StreamCache } from './stream-cache.js'
import { type SnapshotSource, StreamLoader } from './stream-loader.js'
import { Submissions } from './submissions.js'
import { type RuntimeHooks, TaskRuntime } from './task-runtime.js'
import { TemplateCatalog } from './template-catalog.js'
import { UnservedQueues } from './unserved.js'
import { reportUnserved } from './unserved-step.js'
import { tellQueues } from './waiting-queues.js'

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
  const ready = readyOf(() => ({ keys, children, dispatcher }))
  const publisher = publisherOf(ports)
  const domainEvents = new DomainFeed(log, new EventBus((events) => metrics.domainEventsDropped(events)))
  const hooks = hooksOf(calls, quarantine, {
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
  })
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

const readyOf =
  (parts: () => Pick<EngineParts, 'keys' | 'children' | 'dispatcher'>): EngineParts['ready'] =>
  (row) => {
    const { keys, children, dispatcher } = parts()
    if (row.gate !== undefined) keys.add(row)
    else if (isFunctionQueue(row.queue)) children.ready(row)
    else dispatcher.add(row)
  }

/** A stream that is set aside leaves memory: who runs or follows it hears no more of it. */
const hooksOf = ({ commitLost }: EngineCalls, quarantine: Quarantine, targets: DeliveryTargets): RuntimeHooks => ({
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
