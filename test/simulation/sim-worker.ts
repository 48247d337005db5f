/** A worker in the simulation: the rules of the worker's stream over a link with latency that may be cut, freeze or die. */
import { durationMs, jsonOf, namespaceOf, runOf, taskIdFrom, workerId, type HandlerName, type WorkerId } from '@tasker/core'
import type {
  AttemptOutcome,
  AttemptRef,
  AttemptResult,
  Engine,
  ResultAck,
  StepCommand,
  WorkerPort,
  WorkerSession,
} from '@tasker/server/internal/engine/api'
import type { Dice } from './dice.js'
import type { Sent } from './invariants/invariant.js'
import { Link } from './network.js'
import type { Server } from './servers.js'
import { type HandlerParts, outcomeOf, workMs } from './sim-handler.js'
import type { Trace } from './trace.js'

const HEARTBEAT_MS = durationMs(5_000)
const RECONNECT_MS = durationMs(300)
export interface SimWorkerParts extends HandlerParts {
  readonly trace: Trace
  readonly handlers: readonly HandlerName[]
  readonly slots: number
  /** The server that a new stream goes to. */
  readonly server: () => Server | undefined
  readonly choices: Dice
  /** Something leaves a server for this worker, or the worker does something with it. */
  readonly sent: (sent: Sent) => void
  /** A bug that is planted between servers and workers. */
  readonly port: (port: WorkerPort) => WorkerPort
}

/** An attempt that the worker runs. */
interface Running extends AttemptRef {
  /** Its handler hears no cancellation. */
  readonly stubborn: boolean
  /** It was taken away, and its handler goes on all the same: it takes no slot. */
  takenAway: boolean
}

export class SimWorker {
  readonly #parts: SimWorkerParts
  #id: WorkerId
  #life = 0
  #draining = false
  #link: Link | undefined
  #frozenUntilMs = 0
  /** What came while the worker did not read. */
  #arrived: { readonly link: Link; readonly read: () => void }[] = []
  readonly #running = new Map<string, Running>()
  readonly #unacknowledged = new Map<string, AttemptResult>()
  /** The checkpoint of each attempt that is on its way. */
  readonly #unsaved = new Map<string, AttemptResult>()

  constructor(parts: SimWorkerParts) {
    this.#parts = parts
    this.#id = this.#newId()
    this.#reconnectLater()
    this.#beat()
  }

  get name(): string {
    return this.#parts.name
  }

  /** Results that nobody acknowledged. */
  get unacknowledged(): readonly AttemptRef[] {
    return [...this.#unacknowledged.values()]
  }

  /** The stream breaks; the worker comes back with what it has. */
  cut(): void {
    this.#drop()
    this.#reconnectLater()
  }

  /** A server process ended: streams to it break. */
  serverEnded(engine: Engine | undefined): void {
    if (this.#link !== undefined && this.#link.server.engine === engine) this.cut()
  }

  /** The process is gone; another one starts. */
  die(): void {
    this.#life++
    this.#draining = false
    this.#running.clear()
    this.#unacknowledged.clear()
    this.#unsaved.clear()
    this.#id = this.#newId()
    this.cut()
  }

  /** It takes no more, finishes what it has, and another process takes its place. */
  drain(): void {
    if (this.#draining || this.#link === undefined) return
    this.#draining = true
    this.#link.session?.drain()
    this.#whenDone(this.#life)
  }

  #whenDone(life: number): void {
    this.#parts.clock.after(HEARTBEAT_MS, () => {
      if (life !== this.#life) return
      if (this.#running.size + this.#unacknowledged.size > 0) return this.#whenDone(life)
      this.die()
    })
  }

  /** It neither sends nor works for a while. */
  freeze(forMs: number): void {
    this.#frozenUntilMs = this.#parts.clock.monotonicMs() + forMs
  }

  #newId(): WorkerId {
    const { clock, dice } = this.#parts
    return workerId(taskIdFrom(clock.now(), dice.bytes(10)))
  }

  get #frozenForMs(): number {
    return Math.max(0, this.#frozenUntilMs - this.#parts.clock.monotonicMs())
  }

  #drop(): void {
    const link = this.#link
    this.#link = undefined
    link?.cut()
  }

  #reconnectLater(): void {
    const life = this.#life
    this.#parts.clock.after(durationMs(RECONNECT_MS + this.#parts.dice.between(0, 2_000)), () => {
      if (life !== this.#life || this.#link !== undefined) return
      if (this.#frozenForMs > 0 || !this.#connect()) this.#reconnectLater()
    })
  }

  #connect(): boolean {
    const server = this.#parts.server()
    if (server === undefined) return false
    const { handlers, slots, network, trace, name } = this.#parts
    const link: Link = new Link(network, server, () => (this.#link === link ? this.cut() : link.cut()))
    this.#link = link
    const running = [...this.#running.values(), ...this.#unacknowledged.values()].map(refOf)
    const hello = {
      workerId: this.#id,
      namespace: namespaceOf('sim'),
      handlers,
      slots,
      codeVersion: '',
      sdk: 'sim',
      host: 'sim',
      running,
    }
    trace.add(name, () => `connects to ${server.name} as ${hello.workerId}, runs ${running.map(keyOf).join(' ') || 'nothing'}`)
    const session = server.engine.connect(hello, this.#parts.port(this.#portOf(link)))
    // What is sent before this is lost with a server that dies in the call.
    if (!server.life.lives()) return true
    link.session = session
    if (this.#draining) session.drain()
    for (const ref of session.forgotten) {
      this.#running.delete(keyOf(ref))
      this.#unacknowledged.delete(keyOf(ref))
      this.#unsaved.delete(keyOf(ref))
    }
    for (const checkpoint of this.#unsaved.values()) this.#send(checkpoint)
    for (const result of this.#unacknowledged.values()) this.#send(result)
    return true
  }

  /** The server's end of a stream. What a burst brings travels together. */
  #portOf(link: Link): WorkerPort {
    const { sent } = this.#parts
    const to = this.#id
    const inbox: (() => void)[] = []
    const alive = (): boolean => link.server.life.lives()
    return {
      command: (command) => {
        if (!alive()) return
        sent({ type: 'command', to, ref: refOf(command) })
        inbox.push(() => this.#take(command))
      },
      ack: (ack) => {
        if (!alive()) return
        sent({ type: 'ack', to, ack })
        inbox.push(() => this.#acknowledged(ack))
      },
      cancel: (ref) => {
        if (alive()) inbox.push(() => this.#cancel(ref))
      },
      news: () => undefined,
      flush: () => this.#deliver(link, inbox.splice(0)),
      close: () => {
        if (this.#link === link) this.cut()
      },
    }
  }

  /** Messages keep their order, also through a freeze. */
  #deliver(link: Link, messages: readonly (() => void)[]): void {
    link.toWorker(() => {
      this.#arrived.push(...messages.map((read) => ({ link, read })))
      this.#read()
    })
  }

  #read(): void {
    if (this.#frozenForMs > 0) {
      this.#parts.clock.after(durationMs(this.#frozenForMs), () => this.#read())
      return
    }
    for (const { link, read } of this.#arrived.splice(0)) if (link.open) read()
  }

  #take(command: StepCommand): void {
    const key = keyOf(command)
    if (this.#running.has(key) || this.#unacknowledged.has(key)) return
    const { clock, dice, weather, slots, sent, trace, name } = this.#parts
    const { taskId, step, attempt } = command
    trace.add(name, () => `takes attempt ${attempt} of ${step} of ${taskId}`, taskId)
    const { faults } = weather
    const answersLate = faults.answersLate > 0 && this.#parts.network.dice.chance(faults.answersLate)
    this.#running.set(key, { taskId, step, attempt, stubborn: answersLate, takenAway: false })
    const attempts = [...this.#running.values()].filter(({ takenAway }) => !takenAway).length
    sent({ type: 'runs', worker: this.#id, attempts, slots })
    if (dice.chance(faults.stepHangs)) return weather.note('step hangs', name)
    const items = command.task.checkpoints.get(command.stepIndex)?.itemsProcessed ?? 0
    sent({ type: 'begins', ref: refOf(command), items })
    this.#checkpointSometimes(command)
    const outcome = outcomeOf(command, this.#parts)
    const life = this.#life
    const finish = (): void => {
      if (life !== this.#life || !this.#running.has(key)) return
      if (this.#frozenForMs > 0) {
        clock.after(durationMs(this.#frozenForMs), finish)
        return
      }
      this.#finish({ taskId, step, attempt, outcome })
    }
    clock.after(durationMs(workMs(command, answersLate, this.#parts)), finish)
    if (runOf(command.task, command.stepIndex).heartbeatMs !== undefined) this.#pulse(command, life)
  }

  /** The handler says that it is alive, three times as often as it must; some say nothing. */
  #pulse(command: StepCommand, life: number): void {
    const { clock, network, weather, name } = this.#parts
    const everyMs = runOf(command.task, command.stepIndex).heartbeatMs ?? HEARTBEAT_MS
    if (network.dice.chance(weather.faults.handlerSilent)) return weather.note('silent handler', name)
    const beat = (): void => {
      if (life !== this.#life || !this.#running.has(keyOf(command))) return
      if (this.#frozenForMs === 0) this.#link?.toServer((session) => session.progress(refOf(command), undefined))
      clock.after(durationMs(Math.ceil(everyMs / 3)), beat)
    }
    beat()
  }

  #checkpointSometimes({ taskId, step, attempt, task, stepIndex }: StepCommand): void {
    const { clock, choices } = this.#parts
    if (task.graph.steps[stepIndex]?.type !== 'batch_worker' || !choices.chance(0.5)) return
    const life = this.#life
    clock.after(durationMs(choices.between(1, 300)), () => {
      const key = keyOf({ taskId, step, attempt })
      if (life !== this.#life || !this.#running.has(key) || this.#frozenForMs > 0) return
      const saved: AttemptOutcome = { type: 'checkpoint', number: 1, cursor: jsonOf(attempt), itemsProcessed: attempt }
      this.#unsaved.set(key, { taskId, step, attempt, outcome: saved })
      this.#send({ taskId, step, attempt, outcome: saved })
    })
  }

  #acknowledged(ack: ResultAck): void {
    const { trace, name } = this.#parts
    const what = ack.checkpoint === 0 ? 'attempt' : 'checkpoint of attempt'
    trace.add(name, () => `hears ${ack.status} of ${what} ${ack.attempt} of ${ack.step} of ${ack.taskId}`, ack.taskId)
    if (ack.checkpoint === 0) {
      this.#unacknowledged.delete(keyOf(ack))
      return
    }
    this.#unsaved.delete(keyOf(ack))
  }

  #finish(result: AttemptResult): void {
    const { dice, weather, name } = this.#parts
    this.#running.delete(keyOf(result))
    this.#unacknowledged.set(keyOf(result), result)
    this.#send(result)
    if (!dice.chance(weather.faults.resultTwice)) return
    weather.note('answers twice', name)
    this.#send(result)
  }

  #cancel(ref: AttemptRef): void {
    const running = this.#running.get(keyOf(ref))
    if (running === undefined) return
    running.takenAway = true
    if (!running.stubborn) this.#finish({ ...refOf(ref), outcome: { type: 'cancelled' } })
  }

  #send(result: AttemptResult): void {
    const { trace, name } = this.#parts
    const { taskId, step, attempt, outcome } = result
    trace.add(name, () => `says ${outcome.type} of attempt ${attempt} of ${step} of ${taskId}`, taskId)
    this.#link?.toServer((session: WorkerSession) => session.result(result))
  }

  #beat(): void {
    this.#parts.clock.after(HEARTBEAT_MS, () => {
      if (this.#frozenForMs === 0) this.#link?.toServer((session) => session.heard())
      this.#beat()
    })
  }
}

const refOf = ({ taskId, step, attempt }: AttemptRef): AttemptRef => ({ taskId, step, attempt })

const keyOf = ({ taskId, step, attempt }: AttemptRef): string => `${taskId}/${step}/${attempt}`
