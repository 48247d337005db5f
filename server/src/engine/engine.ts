/** The engine: one process's hold on all partitions, as the front doors and the start of the server see it. */
import {
  durationMs,
  type Moment,
  type Namespace,
  instant,
  later,
  LIMITS,
  type Partition,
  type Plan,
  readyRows,
  type RecordedTaskEvent,
  type ReadyRow,
  type TaskCommand,
  type TaskId,
  type TemplateHash,
  type TimerRow,
  timerRows,
  type WorkerId,
} from '@tasker/core'
import type { AttemptTimeout, ConnectedWorker } from '../dispatch/worker.js'
import { commandAttempt, engineCause } from './attempt-command.js'
import { fireTimers } from './function-timers.js'
import { Fault, type FaultDetail } from '../faults.js'
import { differenceText } from '../projections/verify/compare.js'
import { isWakeUp } from '../timers/timer-window.js'
import type {
  ArchiveAnswer,
  ArchiveOrder,
  AttemptRef,
  CommandAnswer,
  GivenSignal,
  DomainEvents,
  Engine,
  EngineHealth,
  KeyInfo,
  ProjectionUpkeep,
  EngineWatch,
  QueueInfo,
  RegisterAnswer,
  ScheduleDoor,
  Submission,
  SubmitAnswer,
  TaskEventListener,
  TaskOrder,
  TaskSnapshot,
  TemplateRecord,
  WorkerHello,
  WorkerInfo,
  WorkerPort,
  WorkerSession,
} from './api.js'
import { archiveTask } from './archiving.js'
import { timerCommand, workerLostFailure } from './attempts.js'
import { attemptsOut } from './attempts-out.js'
import { commitBufferFull, databaseUnavailable, notReady, projectionsBehind, sealsOff } from './engine-faults.js'
import { buildParts, type EngineParts } from './engine-parts.js'
import type { EnginePorts, EngineSettings } from './engine-ports.js'
import type { OutcomeCall } from './followers.js'
import { healthParts, limitLevels, RECOVERING } from './health.js'
import { giveOrder } from './orders.js'
import type { QuarantinedStream } from './quarantine.js'
import { recover, type RecoveryReport } from './recovery.js'
import type { TaskCommit } from './task-stream.js'
import { engineWatch } from './watch.js'
import { signalWithStart } from './signal-with-start.js'
import { connectWorker } from './worker-link.js'

export interface EngineHooks {
  /** Another server owns the log: this process must stop. */
  readonly fenced: (message: string) => void
  readonly quarantined: (stream: QuarantinedStream) => void
  readonly logAvailable: (available: boolean, message: string) => void
}

/** Between two looks at a stream that cannot be read just now. */
const RETRY_MS = durationMs(1_000)
/** Between two looks for what a worker says of it. */
const RESULT_RETRY_MS = durationMs(500)
/** Nothing is stale before the handlers that outlived this server had time to be heard: the least threshold there is. */
const STALE_AFTER_START_MS = durationMs(60_000)
/** How long a proof waits for the seal it needs. */
const SEAL_WAIT_MS = durationMs(10_000)
/** Submissions on their way when the log goes away are told so after this. */
const UNCONFIRMED_AFTER_MS = durationMs(2_000)

/**
 * Takes all partitions and recovers from the log; answers only afterwards. `built` is told of the engine before that, so that it can be suspended
 * while it recovers.
 */
export const startEngine = async (
  ports: EnginePorts,
  settings: EngineSettings,
  hooks: EngineHooks,
  built: (engine: RunningEngine) => void = () => undefined,
): Promise<RunningEngine> => {
  const engine = new RunningEngine(ports, settings, hooks)
  built(engine)
  try {
    await engine.recover()
    return engine
  } catch (error) {
    await engine.stop()
    throw error
  }
}

export class RunningEngine implements Engine {
  readonly #ports: EnginePorts
  readonly #settings: EngineSettings
  readonly #hooks: EngineHooks
  readonly #parts: EngineParts
  readonly watch: EngineWatch
  #recovering = true
  /** Why the hold on the database is in doubt. */
  #doubt: string | undefined
  /** Who took over. */
  #fencedBy: string | undefined
  #stopping = false
  #stopUnconfirmed: (() => void) | undefined
  #recovered: RecoveryReport | undefined
  #staleNotBefore = instant(0)

  constructor(ports: EnginePorts, settings: EngineSettings, hooks: EngineHooks) {
    this.#ports = ports
    this.#settings = settings
    this.#hooks = hooks
    this.#parts = buildParts(ports, settings, {
      partitionLost: (partition, message) => this.#fence(`partition ${partition}: ${message}`),
      overtaken: (message) => this.#fence(message),
      logAvailable: (available, message) => this.#logAvailable(available, message),
      released: (ref, reason) =>
        this.#attemptCommand(ref, (at) => ({ type: 'release', at, step: ref.step, attempt: ref.attempt, reason })),
      workerLost: (ref, worker, why) => this.#loseAttempt(ref, worker, why),
      timedOut: (ref, kind) => this.#timeOut(ref, kind),
      start: (row, worker) => this.#start(row, worker),
      timerDue: (row, done) => this.#timerDue(row, done),
      commitLost: (commit) => this.#commitLost(commit),
      quarantined: hooks.quarantined,
      assertReadable: () => this.#assertAnswering(),
      submit: (submission, answer) => this.submit(submission, answer),
      cancel: (taskId, reason) => this.cancel(taskId, reason, 'schedule'),
      refusal: () => this.#refusal(),
    })
    this.watch = engineWatch(this.#parts)
  }

  async recover(): Promise<void> {
    const { log, store, clock } = this.#ports
    const { node, workerGraceMs } = this.#settings
    this.#recovered = await recover({ ...this.#parts, node, log, store, clock, graceMs: workerGraceMs })
    this.#staleNotBefore = later(clock.now(), STALE_AFTER_START_MS)
    this.#recovering = false
    this.#parts.unserved.start()
    this.#parts.schedules.start()
    this.#parts.children.start()
    this.#parts.sealer?.start()
    await this.#parts.readiness.start()
    this.#parts.upkeep?.start()
  }

  /** Undefined where nobody looks after the rows. */
  get projections(): ProjectionUpkeep | undefined {
    return this.#parts.upkeep
  }

  get recovered(): RecoveryReport | undefined {
    return this.#recovered
  }

  /** The epoch of each partition, as this server took it. */
  epochs(): ReadonlyMap<Partition, number> {
    return this.#recovered?.epochs ?? new Map()
  }

  /** Nothing is answered until `resume`: the hold on the database is in doubt. */
  suspend(why: string): void {
    this.#doubt = why
  }

  resume(): void {
    this.#doubt = undefined
  }

  submit(submission: Submission, answer: (answer: SubmitAnswer) => void): void {
    const fault = this.#refusal()
    if (fault !== undefined) answer({ type: 'failed', fault })
    else if (submission.signal === undefined) this.#parts.submissions.submit(submission, answer)
    else this.#signalWithStart(submission, submission.signal, answer)
  }

  #signalWithStart(submission: Submission, signal: GivenSignal, answer: (answer: SubmitAnswer) => void): void {
    const { catalog, submissions } = this.#parts
    const template = ({ namespace, name, version }: Submission) => catalog.find(namespace, name, version)
    const submit = (one: Submission, then: (answer: SubmitAnswer) => void) => submissions.submit(one, then)
    const order: Engine['order'] = (...given) => this.order(...given)
    signalWithStart(submission, signal, { template, submit, order }, answer)
  }

  cancel(taskId: TaskId, reason: string | undefined, actor: string): Promise<CommandAnswer> {
    const graceMs = this.#settings.cancelGraceMs
    return this.order(taskId, reason === undefined ? { type: 'cancel', graceMs } : { type: 'cancel', graceMs, reason }, actor)
  }

  order(taskId: TaskId, order: TaskOrder, actor: string): Promise<CommandAnswer> {
    const fault = this.#refusal()
    if (fault !== undefined) return Promise.resolve({ type: 'failed', fault })
    return giveOrder({ ...this.#parts, schemaCheck: this.#ports.schemaCheck }, taskId, order, actor)
  }

  /** Ends the stream of a task that is over: its events are in an archive. */
  archive(order: ArchiveOrder): Promise<ArchiveAnswer> {
    const fault = this.#refusal()
    return fault === undefined ? archiveTask(this.#parts, order) : Promise.resolve({ type: 'refused', message: fault.message })
  }

  read(taskId: TaskId): Promise<TaskSnapshot | undefined> {
    return this.#parts.reads.read(taskId)
  }

  readAsOf(taskId: TaskId, moment: Moment): Promise<TaskSnapshot | undefined> {
    return this.#parts.reads.readAsOf(taskId, moment)
  }

  history(taskId: TaskId, afterVersion: number, limit: number): Promise<readonly RecordedTaskEvent[]> {
    return this.#parts.reads.history(taskId, afterVersion, limit)
  }

  follow(taskId: TaskId, afterVersion: number, listener: TaskEventListener): Promise<() => void> {
    return this.#parts.reads.follow(taskId, afterVersion, listener)
  }

  awaitOutcome(taskId: TaskId, answer: OutcomeCall): () => void {
    const fault = this.#suspension()
    if (fault === undefined) return this.#parts.reads.awaitOutcome(taskId, answer)
    answer({ type: 'failed', fault })
    return () => undefined
  }

  register(content: string, options: { readonly replace: boolean; readonly actor: string }): Promise<RegisterAnswer> {
    const fault = this.#refusal()
    if (fault !== undefined) return Promise.resolve({ type: 'failed', fault })
    const { actor } = options
    const replace = options.replace || this.#settings.templateReplace
    return new Promise((resolve) => this.#parts.catalog.register({ content, replace, actor }, resolve))
  }

  template(namespace: Namespace, name: string, version: string | undefined): TemplateRecord | undefined {
    return this.#parts.catalog.find(namespace, name, version)
  }

  templates(): readonly TemplateRecord[] {
    return this.#parts.catalog.all()
  }

  /** The plan of any content there ever was, by its hash. */
  planOf(hash: TemplateHash): Plan | undefined {
    return this.#parts.catalog.planOf(hash)
  }

  get domainEvents(): DomainEvents {
    return this.#parts.domainEvents
  }

  connect(hello: WorkerHello, port: WorkerPort): WorkerSession {
    const { workers, loader, runtime } = this.#parts
    const { draw, clock, schemaCheck } = this.#ports
    return connectWorker(hello, port, { workers, loader, runtime, draw, clock, schemaCheck, retryMs: RESULT_RETRY_MS })
  }

  workers(): readonly WorkerInfo[] {
    return this.#parts.workers.infos()
  }

  queues(): readonly QueueInfo[] {
    return this.#parts.dispatcher.infos()
  }

  keys(): readonly KeyInfo[] {
    return this.#parts.keys.infos()
  }

  get schedules(): ScheduleDoor {
    return this.#parts.schedules
  }

  /** Resolves when a seal covers the place. Throws a `Fault` when no seals are made, or none in time. */
  sealed(partition: Partition, seq: number): Promise<void> {
    const { sealer } = this.#parts
    this.#assertAnswering()
    return sealer === undefined ? Promise.reject(new Fault(sealsOff)) : sealer.covered(partition, seq, SEAL_WAIT_MS)
  }

  health(): EngineHealth {
    const { commits, projector, quarantine, publisher, readiness, sealer, upkeep } = this.#parts
    const now = this.#ports.clock.now()
    const parts = healthParts(this.#parts, { closed: this.#closed(), recovering: this.#recovering, pressure: this.#pressure() })
    return {
      ready: parts.every(({ ok, needed }) => ok || !needed),
      problems: parts.filter(({ ok }) => !ok).map(({ detail }) => detail),
      parts,
      limits: limitLevels(this.#parts, this.#settings),
      clockOffsetMs: readiness.clockOffsetMs ?? 0,
      partitions: this.#ports.log.partitionCount,
      pendingCommits: commits.waitingCommits,
      quarantined: quarantine.list(),
      projectionLagMs: projector.lagMs(now),
      projectionLags: projector.lags(now),
      projectionDifferences: [...(upkeep?.findings ?? [])].map(([projection, { count, first }]) => ({
        projection,
        rows: count,
        first: differenceText(first),
      })),
      domainEvents: { lagMs: publisher?.lagMs(now) ?? 0, problem: publisher?.problem },
      seals: sealer?.levels(),
    }
  }

  /** Ends the streams, writes what waits, projects it; idempotent. */
  async stop(): Promise<void> {
    const { workers, dispatcher, timers, wheel, commits, projector, followers, publisher, unserved, sealer } = this.#parts
    this.#stopping = true
    unserved.stop()
    this.#parts.readiness.stop()
    dispatcher.stop()
    this.#parts.keys.stop()
    this.#parts.schedules.stop()
    this.#parts.children.stop()
    timers.stop()
    wheel.stop()
    workers.stop()
    this.#stopUnconfirmed?.()
    sealer?.stop()
    await this.#parts.upkeep?.stop()
    await commits.stop()
    followers.failAll(notReady(this.#closed() ?? 'it stops'))
    await Promise.all([projector.stop(), publisher?.stop(), sealer?.stopPublishing()])
  }

  /** A slot is claimed for a step that waited. */
  #start(row: ReadyRow, worker: ConnectedWorker): void {
    const { loader, runtime, workers, dispatcher } = this.#parts
    const { step, attempt } = row
    loader.find(row.taskId, (found) => {
      if (found.type !== 'stream') {
        workers.unclaim(worker)
        if (found.type === 'failed' && found.fault.detail.retryable === true) this.#later(() => dispatcher.add(row))
        return
      }
      const command = { type: 'start', at: runtime.now(found.stream), step, attempt, worker: worker.id } as const
      runtime.apply(found.stream, command, { cause: engineCause('start'), claimed: worker }, () => undefined)
    })
  }

  #timerDue(row: TimerRow, done: () => void): void {
    const { loader, runtime, timers } = this.#parts
    if (row.kind === 'staleness' && this.#ports.clock.now() < this.#staleNotBefore) {
      timers.add({ ...row, dueAt: this.#staleNotBefore })
      return done()
    }
    loader.find(row.taskId, (found) => {
      if (found.type === 'failed' && found.fault.detail.retryable === true) return this.#later(() => this.#timerDue(row, done))
      if (found.type !== 'stream') return done()
      if (row.kind === 'function') return fireTimers(found.stream, runtime, (next) => timers.add(next), done)
      const command = timerCommand(row, runtime.now(found.stream), this.#ports.draw(), this.watch.heardSteps(row.taskId))
      if (command === undefined) return done()
      runtime.apply(found.stream, command, { cause: engineCause(command.type) }, done)
    })
  }

  #timeOut(ref: AttemptRef, kind: AttemptTimeout): void {
    const { step, attempt } = ref
    this.#attemptCommand(ref, (at) => ({ type: 'time_out', kind, at, step, attempt, draw: this.#ports.draw() }))
  }

  #loseAttempt(ref: AttemptRef, worker: WorkerId, why: string): void {
    const { step, attempt } = ref
    const failure = workerLostFailure(worker, why)
    this.#attemptCommand(ref, (at) => ({ type: 'fail', at, step, attempt, worker, failure, draw: this.#ports.draw() }))
  }

  #attemptCommand(ref: AttemptRef, command: (at: TaskCommand['at']) => TaskCommand): void {
    commandAttempt(ref, command, { ...this.#parts, later: (call) => this.#later(call) })
  }

  #later(call: () => void, delayMs = RETRY_MS): void {
    this.#ports.clock.after(delayMs, () => (this.#stopping ? undefined : call()))
  }

  /** E3: the log did not take a commit; what waits for its task is armed again from the state the log has. */
  #commitLost({ stream }: Pick<TaskCommit, 'stream'>): void {
    if (this.#fencedBy !== undefined || this.#stopping) return
    const { loader, ready, timers, workers } = this.#parts
    loader.find(stream.taskId, (found) => {
      if (found.type === 'failed' && found.fault.detail.retryable === true) this.#later(() => this.#commitLost({ stream }))
      if (found.type !== 'stream' || found.stream.state.type !== 'task') return
      const { state } = found.stream
      for (const row of readyRows(stream.taskId, state)) ready(row)
      const rows = timerRows(stream.taskId, state)
      for (const row of rows) if (isWakeUp(row)) timers.add(row)
      for (const { ref, worker, deadlineAt, heartbeatMs } of attemptsOut(rows)) {
        workers.adopt(ref, worker, state.submitted.namespace, deadlineAt, heartbeatMs)
      }
    })
  }

  #fence(message: string): void {
    if (this.#fencedBy !== undefined) return
    this.#fencedBy = message
    this.#parts.keys.stop()
    this.#parts.schedules.stop()
    this.#parts.children.stop()
    this.#hooks.fenced(message)
  }

  #logAvailable(available: boolean, message: string): void {
    this.#hooks.logAvailable(available, message)
    if (available) this.#parts.dispatcher.resume('log')
    else this.#parts.dispatcher.pause('log')
    this.#stopUnconfirmed?.()
    this.#stopUnconfirmed = undefined
    if (!available)
      this.#stopUnconfirmed = this.#ports.clock.after(UNCONFIRMED_AFTER_MS, () => this.#parts.submissions.unconfirmed())
  }

  /** Why nothing is answered; undefined while all is well. */
  #closed(): string | undefined {
    if (this.#fencedBy !== undefined) return `another server took over: ${this.#fencedBy}`
    if (this.#stopping) return 'stopping'
    return this.#recovering ? RECOVERING : this.#doubt
  }

  /** Why no answer may come from memory. */
  #suspension(): FaultDetail | undefined {
    const closed = this.#closed()
    if (closed !== undefined) return notReady(closed)
    return this.#parts.commits.available ? undefined : databaseUnavailable
  }

  /** Why no new command is taken. */
  #refusal(): FaultDetail | undefined {
    return this.#suspension() ?? this.#unready() ?? this.#pressure()
  }

  /** What was just found: nothing can be committed. */
  #unready(): FaultDetail | undefined {
    return this.#parts.readiness.problem === undefined ? undefined : databaseUnavailable
  }

  /** What must become less before more is taken. */
  #pressure(): FaultDetail | undefined {
    const { commits, projector } = this.#parts
    const { waitingCommitsMax, waitingCharsMax } = { ...LIMITS, ...this.#settings.limits }
    if (commits.waitingCommits >= waitingCommitsMax || commits.waitingChars >= waitingCharsMax) return commitBufferFull
    return projector.behind ? projectionsBehind : undefined
  }

  #assertAnswering(): void {
    const fault = this.#suspension()
    if (fault !== undefined) throw new Fault(fault)
  }
}
