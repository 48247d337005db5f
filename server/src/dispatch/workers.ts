/** The workers of this server: who is connected, which slots are free, which attempts are out, and who is lost. */
import {
  durationMs,
  type DurationMs,
  type HeardSteps,
  type Instant,
  type JsonText,
  type Namespace,
  type StepId,
  type TaskId,
  type WorkerId,
} from '@tasker/core'
import type { AttemptRef, WorkerHello, WorkerInfo, WorkerPort } from '../engine/api.js'
import type { Clock } from '../engine/clock.js'
import type { TimerWheel } from '../timers/timer-wheel.js'
import { KeptFunctions } from './kept-functions.js'
import { type AttemptTimeout, type ConnectedWorker, type Lease, type Pulse, queueKey, refKey, workerInfo } from './worker.js'

export interface WorkersSettings {
  readonly graceMs: DurationMs
  readonly silenceMs: DurationMs
}

/** What the engine does about workers; each call may come for an attempt that is over by then. */
export interface WorkerConsequences {
  /** The start never reached the worker. */
  readonly released: (ref: AttemptRef, reason: string) => void
  /** The worker is gone with the attempt. */
  readonly lost: (ref: AttemptRef, worker: WorkerId, why: string) => void
  /** The attempt ran, or its handler was silent, for longer than its step allows. */
  readonly timedOut: (ref: AttemptRef, kind: AttemptTimeout) => void
  /** Slots may be free for these queues. */
  readonly slotsFreed: () => void
}

const SWEEP_MS = durationMs(1_000)
/** A wake-up that comes later than this tells of a process that did not run. */
const LATE_MS = 2 * SWEEP_MS

export class Workers {
  readonly #clock: Clock
  readonly #wheel: TimerWheel
  readonly #settings: WorkersSettings
  readonly #consequences: WorkerConsequences
  readonly #byId = new Map<WorkerId, ConnectedWorker>()
  readonly #byQueue = new Map<string, { workers: ConnectedWorker[]; next: number }>()
  readonly #leases = new Map<string, Lease>()
  readonly #dirtyPorts = new Set<WorkerPort>()
  readonly kept = new KeptFunctions()
  #flushAsked = false
  #sweptAtMs: number
  #stopSweep: () => void
  #stopped = false

  constructor(clock: Clock, wheel: TimerWheel, settings: WorkersSettings, consequences: WorkerConsequences) {
    this.#clock = clock
    this.#wheel = wheel
    this.#settings = settings
    this.#consequences = consequences
    this.#sweptAtMs = clock.monotonicMs()
    this.#stopSweep = clock.after(SWEEP_MS, () => this.#sweep(), 'upkeep')
  }

  infos(): readonly WorkerInfo[] {
    return [...this.#byId.values()].map(workerInfo)
  }

  /** Workers on a live stream that take steps of a queue. */
  serving(queue: string): number {
    return this.#byQueue.get(queue)?.workers.length ?? 0
  }

  lease(ref: AttemptRef): Lease | undefined {
    return this.#leases.get(refKey(ref))
  }

  /** The handler of an attempt gave a sign of life. */
  progressed(lease: Lease, progress: JsonText): void {
    lease.progress = progress
    lease.heardAt = this.#clock.now()
    this.#alive(lease)
  }

  #alive({ pulse }: Lease): void {
    if (pulse !== undefined) pulse.lastMs = this.#clock.monotonicMs()
  }

  /** When the handlers that run steps of a task were last heard. */
  heardSteps(taskId: TaskId): HeardSteps {
    const heard = new Map<StepId, Instant>()
    for (const lease of this.#leases.values())
      if (lease.taskId === taskId && lease.heardAt !== undefined) heard.set(lease.step, lease.heardAt)
    return heard
  }

  /**
   * Takes a free slot of some worker that offers the queue's handler, in turn: of the one that keeps the function of the task, if it has one. The caller
   * leases or unclaims it.
   */
  claim(queue: string, taskId?: TaskId): ConnectedWorker | undefined {
    const ring = this.#byQueue.get(queue)
    if (ring === undefined) return undefined
    const { workers } = ring
    const keeper = taskId === undefined || this.kept.size === 0 ? undefined : this.#keeper(taskId)
    if (keeper !== undefined && keeper.busy < keeper.slots && workers.includes(keeper)) {
      keeper.busy++
      return keeper
    }
    for (let i = 0; i < workers.length; i++) {
      ring.next = (ring.next + 1) % workers.length
      const worker = workers[ring.next]
      if (worker !== undefined && worker.busy < worker.slots) {
        worker.busy++
        return worker
      }
    }
    return undefined
  }

  #keeper(taskId: TaskId): ConnectedWorker | undefined {
    const kept = this.kept.of(taskId)
    return kept && this.#byId.get(kept.worker)
  }

  unclaim(worker: ConnectedWorker): void {
    worker.busy--
    this.#consequences.slotsFreed()
  }

  /** Turns a claimed slot into a lease. `heartbeatMs` is the longest silence of its handler. */
  open(worker: ConnectedWorker, ref: AttemptRef, deadlineAt: Instant, heartbeatMs?: DurationMs): Lease {
    const timeout = { dueAt: deadlineAt, fire: () => this.#consequences.timedOut(ref, 'start_to_close') }
    const { taskId, step, attempt } = ref
    const pulse = heartbeatMs === undefined ? undefined : newPulse(heartbeatMs, this.#clock.monotonicMs())
    const lease: Lease = {
      taskId,
      step,
      attempt,
      worker,
      timeout,
      pulse,
      sent: false,
      cancelRequested: false,
      progress: undefined,
      heardAt: undefined,
      told: undefined,
      recorded: 0,
    }
    const key = refKey(ref)
    // A decision that did not last may have opened the same attempt before; its slot is free.
    if (this.#leases.has(key)) this.end(ref)
    worker.leases.set(key, lease)
    this.#leases.set(key, lease)
    this.#wheel.add(timeout)
    if (pulse !== undefined) this.#listen(lease, pulse, pulse.everyMs)
    return lease
  }

  /** The attempt is over: its slot is free. Gives back the lease, if there was one. */
  end(ref: AttemptRef): Lease | undefined {
    const key = refKey(ref)
    const lease = this.#leases.get(key)
    if (lease === undefined) return undefined
    this.#leases.delete(key)
    lease.worker.leases.delete(key)
    lease.worker.busy--
    this.#wheel.remove(lease.timeout)
    lease.pulse?.stop()
    this.#consequences.slotsFreed()
    return lease
  }

  /** The attempt goes on, and its time begins anew. */
  renew(ref: AttemptRef, deadlineAt: Instant): void {
    const lease = this.#leases.get(refKey(ref))
    if (lease === undefined) return
    this.#wheel.remove(lease.timeout)
    lease.timeout = { dueAt: deadlineAt, fire: lease.timeout.fire }
    this.#wheel.add(lease.timeout)
    this.#alive(lease)
  }

  /** Nothing is decided for this task any more: what is out of it counts no longer. */
  endTask(taskId: TaskId): void {
    for (const lease of [...this.#leases.values()]) if (lease.taskId === taskId) this.end(lease)
  }

  /** An attempt that was not due by the wall clock after all is timed again. */
  timeAgain(ref: AttemptRef): void {
    const lease = this.#leases.get(refKey(ref))
    if (lease !== undefined) this.#wheel.add(lease.timeout)
  }

  /**
   * An attempt that is out by the log: its worker has the grace to come back and name it. One whose end was decided and lost has its lease, and
   * its time may have fired for that end.
   */
  adopt(ref: AttemptRef, id: WorkerId, namespace: Namespace, deadlineAt: Instant, heartbeatMs?: DurationMs): void {
    if (this.#leases.has(refKey(ref))) return this.timeAgain(ref)
    const worker = this.#byId.get(id) ?? this.#disconnectedStranger(id, namespace)
    worker.busy++
    this.open(worker, ref, deadlineAt, heartbeatMs).sent = true
  }

  #disconnectedStranger(id: WorkerId, namespace: Namespace): ConnectedWorker {
    const worker: ConnectedWorker = {
      id,
      namespace,
      handlers: [],
      slots: 0,
      busy: 0,
      state: 'disconnected',
      port: undefined,
      leases: new Map(),
      lastHeardMs: this.#clock.monotonicMs(),
      stopGrace: undefined,
      host: '',
      sdk: '',
      codeVersion: '',
      connectedAt: this.#clock.now(),
    }
    this.#byId.set(id, worker)
    this.#startGrace(worker)
    return worker
  }

  /** A stream opens (W1, W2, W9, W14). Gives back what of `hello.running` is not this worker's any more. */
  connect(hello: WorkerHello, port: WorkerPort): { worker: ConnectedWorker; forgotten: readonly AttemptRef[] } {
    const worker = this.#byId.get(hello.workerId) ?? this.#disconnectedStranger(hello.workerId, hello.namespace)
    // The new stream counts before the old one is closed, so that the old one's end means nothing (W14).
    const replaced = worker.port
    worker.port = port
    if (replaced !== undefined) {
      this.#dirtyPorts.delete(replaced)
      replaced.close('another stream of the same worker took over')
    }
    this.#leaveQueues(worker)
    worker.stopGrace?.()
    worker.stopGrace = undefined
    worker.namespace = hello.namespace
    worker.handlers = hello.handlers
    worker.slots = hello.slots
    worker.state = 'connected'
    worker.lastHeardMs = this.#clock.monotonicMs()
    worker.host = hello.host
    worker.sdk = hello.sdk
    worker.codeVersion = hello.codeVersion
    worker.connectedAt = this.#clock.now()
    this.#joinQueues(worker)
    const forgotten = hello.running.filter((ref) => !worker.leases.has(refKey(ref)))
    this.#settleReconnected(worker, new Set(hello.running.map(refKey)))
    this.#consequences.slotsFreed()
    return { worker, forgotten }
  }

  /** W9: what was sent and is not named never arrived; what is named goes on, and hears again of a cancellation. */
  #settleReconnected(worker: ConnectedWorker, running: ReadonlySet<string>): void {
    for (const lease of [...worker.leases.values()]) {
      if (!lease.sent) continue
      if (!running.has(refKey(lease))) this.#consequences.released(lease, 'the command never reached the worker')
      else {
        this.#alive(lease)
        if (lease.cancelRequested) this.cancel(lease)
      }
    }
  }

  /** Looks again when the silence may be too long; a lease that is over has called it off. */
  #listen(lease: Lease, pulse: Pulse, afterMs: DurationMs): void {
    const dueMs = this.#clock.monotonicMs() + afterMs
    pulse.stop = this.#clock.after(afterMs, () => {
      const nowMs = this.#clock.monotonicMs()
      // A process that did not run heard nobody, nor does one whose worker is away; and a handler that never began is not silent.
      if (nowMs - dueMs > LATE_MS || lease.worker.port === undefined || !lease.sent) pulse.lastMs = nowMs
      const leftMs = pulse.everyMs - (nowMs - pulse.lastMs)
      if (leftMs <= 0) this.#consequences.timedOut(lease, 'heartbeat')
      this.#listen(lease, pulse, leftMs > 0 ? durationMs(leftMs) : pulse.everyMs)
    })
  }

  heard(worker: ConnectedWorker): void {
    worker.lastHeardMs = this.#clock.monotonicMs()
  }

  /** No more commands for this worker (W11). */
  drain(worker: ConnectedWorker): void {
    if (worker.state === 'connected') worker.state = 'draining'
    this.#leaveQueues(worker)
  }

  /** The stream broke; a worker that held nothing is forgotten at once, others have the grace. */
  disconnected(worker: ConnectedWorker, port: WorkerPort): void {
    if (worker.port !== port) return
    worker.port = undefined
    worker.state = 'disconnected'
    this.#dirtyPorts.delete(port)
    this.#leaveQueues(worker)
    if (worker.leases.size === 0 && worker.busy === 0) this.#byId.delete(worker.id)
    else this.#startGrace(worker)
  }

  /** Asks the worker to abort an attempt, now or when it comes back. */
  cancel(lease: Lease): void {
    lease.cancelRequested = true
    if (lease.sent) this.abort(lease.worker, lease)
  }

  abort(worker: ConnectedWorker, ref: AttemptRef): void {
    if (worker.port === undefined) return
    worker.port.cancel(ref)
    this.flushSoon(worker.port)
  }

  /** The burst of this turn leaves together. */
  flushSoon(port: WorkerPort): void {
    this.#dirtyPorts.add(port)
    if (this.#flushAsked) return
    this.#flushAsked = true
    queueMicrotask(() => {
      this.#flushAsked = false
      for (const dirty of this.#dirtyPorts) dirty.flush()
      this.#dirtyPorts.clear()
    })
  }

  /** The streams end; nobody is lost for it, the next server gives the attempts their grace. */
  stop(): void {
    this.#stopped = true
    this.#stopSweep()
    for (const lease of this.#leases.values()) lease.pulse?.stop()
    for (const worker of [...this.#byId.values()]) {
      worker.stopGrace?.()
      worker.port?.close('the server stops')
    }
  }

  #startGrace(worker: ConnectedWorker): void {
    worker.stopGrace?.()
    if (this.#stopped) return
    const endsAtMs = this.#clock.monotonicMs() + this.#settings.graceMs
    worker.stopGrace = this.#clock.after(this.#settings.graceMs, () => {
      worker.stopGrace = undefined
      // As with silence: a grace that ends late says that this process was frozen, and could not have heard the worker.
      if (this.#clock.monotonicMs() - endsAtMs > LATE_MS) return this.#startGrace(worker)
      this.#lose(worker, `its stream broke and did not come back within ${this.#settings.graceMs} ms`)
    })
  }

  #lose(worker: ConnectedWorker, why: string): void {
    this.#byId.delete(worker.id)
    this.#leaveQueues(worker)
    for (const lease of [...worker.leases.values()]) {
      if (lease.sent) this.#consequences.lost(lease, worker.id, why)
      else this.#consequences.released(lease, 'the worker was lost before the command left')
    }
  }

  /** W8. A sweep that comes late says that this process was frozen, not the workers: it gives them the time back. */
  #sweep(): void {
    const nowMs = this.#clock.monotonicMs()
    const frozenMs = Math.max(0, nowMs - this.#sweptAtMs - LATE_MS)
    this.#sweptAtMs = nowMs
    for (const worker of [...this.#byId.values()]) {
      worker.lastHeardMs += frozenMs
      if (worker.port === undefined || nowMs - worker.lastHeardMs < this.#settings.silenceMs) continue
      const { port } = worker
      worker.port = undefined
      worker.state = 'disconnected'
      this.#lose(worker, `it was silent for ${this.#settings.silenceMs} ms`)
      port.close('silent for too long')
    }
    this.#stopSweep = this.#clock.after(SWEEP_MS, () => this.#sweep(), 'upkeep')
  }

  #joinQueues(worker: ConnectedWorker): void {
    for (const handler of worker.handlers) {
      const key = queueKey(worker.namespace, handler)
      const ring = this.#byQueue.get(key)
      if (ring === undefined) this.#byQueue.set(key, { workers: [worker], next: 0 })
      else ring.workers.push(worker)
    }
  }

  #leaveQueues(worker: ConnectedWorker): void {
    for (const handler of worker.handlers) {
      const key = queueKey(worker.namespace, handler)
      const ring = this.#byQueue.get(key)
      if (ring === undefined) continue
      ring.workers = ring.workers.filter((other) => other !== worker)
      if (ring.workers.length === 0) this.#byQueue.delete(key)
    }
  }
}

const newPulse = (everyMs: DurationMs, lastMs: number): Pulse => ({ everyMs, lastMs, stop: () => undefined })
