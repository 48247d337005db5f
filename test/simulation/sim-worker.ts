/** A worker in the simulation: the rules of the worker's stream over a link with latency that may be cut, freeze or die. */
import {
  durationMs,
  jsonOf,
  namespaceOf,
  taskIdFrom,
  workerId,
  type HandlerName,
  type JsonText,
  type StepChoice,
  type WorkerId,
} from '@tasker/core'
import type {
  AttemptOutcome,
  AttemptRef,
  AttemptResult,
  Engine,
  ResultAck,
  StepCommand,
  WorkerSession,
} from '@tasker/server/internal/engine/api'
import type { Clock } from '@tasker/server/internal/engine/clock'
import type { Dice } from './dice.js'
import { POISON } from './fault-plan.js'
import type { Weather } from './incarnation.js'

const LATENCY_MS = durationMs(2)
const HEARTBEAT_MS = durationMs(5_000)
const RECONNECT_MS = durationMs(300)

export interface SimWorkerParts {
  readonly clock: Clock
  readonly dice: Dice
  readonly weather: Weather
  readonly handlers: readonly HandlerName[]
  readonly slots: number
  /** The engine that answers just now. */
  readonly engine: () => Engine | undefined
  /** What the handler gives for a step of a task. */
  readonly work: (command: StepCommand) => JsonText
  /** What it says beside that. */
  readonly choose: (command: StepCommand) => StepChoice | undefined
  readonly choices: Dice
  /** By task and step, the attempts whose checkpoint was acknowledged: no later attempt may begin before it. */
  readonly checkpoints: Map<string, Set<number>>
  /** The worker is given more than its slots, or the same attempt twice at once. */
  readonly violated: (what: string) => void
}

/** One stream; a message in flight when it is cut is lost. */
interface Link {
  open: boolean
  readonly engine: Engine
  /** What came while the worker did not read. */
  readonly arrived: (() => void)[]
  session: WorkerSession | undefined
}

export class SimWorker {
  readonly #parts: SimWorkerParts
  #id: WorkerId
  #life = 0
  #draining = false
  #link: Link | undefined
  #frozenUntilMs = 0
  readonly #running = new Map<string, AttemptRef>()
  readonly #unacknowledged = new Map<string, AttemptResult>()
  /** The checkpoint of each attempt that is on its way. */
  readonly #unsaved = new Map<string, AttemptResult>()

  constructor(parts: SimWorkerParts) {
    this.#parts = parts
    this.#id = this.#newId()
    this.#reconnectLater()
    this.#beat()
  }

  /** The stream breaks; the worker comes back with what it has. */
  cut(): void {
    this.#drop()
    this.#reconnectLater()
  }

  /** A server process ended: streams to it break. */
  serverEnded(engine: Engine | undefined): void {
    if (this.#link !== undefined && this.#link.engine === engine) this.cut()
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
    if (link === undefined || !link.open) return
    link.open = false
    // The server learns of a broken stream a little later.
    this.#parts.clock.after(LATENCY_MS, () => link.session?.disconnected())
  }

  #reconnectLater(): void {
    const life = this.#life
    this.#parts.clock.after(durationMs(RECONNECT_MS + this.#parts.dice.between(0, 2_000)), () => {
      if (life !== this.#life || this.#link !== undefined) return
      if (this.#frozenForMs > 0 || !this.#connect()) this.#reconnectLater()
    })
  }

  #connect(): boolean {
    const engine = this.#parts.engine()
    if (engine === undefined) return false
    const { handlers, slots } = this.#parts
    const link: Link = { open: true, engine, arrived: [], session: undefined }
    this.#link = link
    const inbox: (() => void)[] = []
    const port = {
      command: (command: StepCommand) => inbox.push(() => this.#take(command)),
      ack: (ack: ResultAck) => inbox.push(() => this.#acknowledged(ack)),
      cancel: (ref: AttemptRef) => inbox.push(() => this.#cancel(ref)),
      flush: () => this.#deliver(link, inbox.splice(0)),
      close: () => {
        if (this.#link === link) this.cut()
      },
    }
    const running = [...this.#running.values(), ...this.#unacknowledged.values()].map(({ taskId, step, attempt }) => ({
      taskId,
      step,
      attempt,
    }))
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
    link.session = engine.connect(hello, port)
    if (this.#draining) link.session.drain()
    for (const ref of link.session.forgotten) {
      this.#running.delete(keyOf(ref))
      this.#unacknowledged.delete(keyOf(ref))
      this.#unsaved.delete(keyOf(ref))
    }
    for (const checkpoint of this.#unsaved.values()) this.#send(checkpoint)
    for (const result of this.#unacknowledged.values()) this.#send(result)
    return true
  }

  /** Messages keep their order, also through a freeze. */
  #deliver(link: Link, messages: readonly (() => void)[]): void {
    this.#parts.clock.after(LATENCY_MS, () => {
      link.arrived.push(...messages)
      this.#read(link)
    })
  }

  #read(link: Link): void {
    if (this.#frozenForMs > 0) {
      this.#parts.clock.after(durationMs(this.#frozenForMs), () => this.#read(link))
      return
    }
    for (const message of link.arrived.splice(0)) if (link.open) message()
  }

  #take(command: StepCommand): void {
    const key = keyOf(command)
    if (this.#running.has(key) || this.#unacknowledged.has(key)) return
    const { clock, dice, weather, slots, violated } = this.#parts
    const { taskId, step, attempt } = command
    this.#running.set(key, { taskId, step, attempt })
    if (this.#running.size > slots) violated(`worker ${this.#id} runs ${this.#running.size} attempts in ${slots} slots`)
    if (dice.chance(weather.faults.stepHangs)) return
    this.#beginsWhereItWasLeft(command)
    this.#checkpointSometimes(command)
    const outcome = this.#outcome(command)
    const life = this.#life
    const finish = (): void => {
      if (life !== this.#life || !this.#running.has(key)) return
      if (this.#frozenForMs > 0) {
        clock.after(durationMs(this.#frozenForMs), finish)
        return
      }
      this.#finish({ taskId, step, attempt, outcome })
    }
    clock.after(durationMs(dice.between(1, 800)), finish)
  }

  #outcome(command: StepCommand): AttemptOutcome {
    const { dice, weather, work } = this.#parts
    if (dice.chance(weather.faults.stepFailsForGood)) return failure('PermanentError', false)
    if (dice.chance(weather.faults.stepFails)) return failure('RetryableError', true)
    if (weather.faults.resultPoisoned > 0 && dice.chance(weather.faults.resultPoisoned)) {
      return { type: 'completed', output: jsonOf(POISON) }
    }
    const choice = this.#parts.choose(command)
    const output = work(command)
    return choice === undefined ? { type: 'completed', output } : { type: 'completed', output, choice }
  }

  /** What was acknowledged is there for every later attempt. */
  #beginsWhereItWasLeft({ taskId, step, attempt, task, stepIndex }: StepCommand): void {
    // A command may come late: what later attempts saved meanwhile is not for it.
    const earlier = [...(this.#parts.checkpoints.get(`${taskId}/${step}`) ?? [])].filter((other) => other < attempt)
    const saved = Math.max(0, ...earlier)
    const found = task.checkpoints.get(stepIndex)?.itemsProcessed ?? 0
    if (found < saved) this.#parts.violated(`${step} of ${taskId} begins at ${found}; ${saved} was saved`)
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
    if (ack.checkpoint === 0) {
      this.#unacknowledged.delete(keyOf(ack))
      return
    }
    this.#unsaved.delete(keyOf(ack))
    if (ack.status !== 'recorded' && ack.status !== 'duplicate') return
    const { checkpoints } = this.#parts
    const key = `${ack.taskId}/${ack.step}`
    checkpoints.set(key, (checkpoints.get(key) ?? new Set()).add(ack.attempt))
  }

  #finish(result: AttemptResult): void {
    this.#running.delete(keyOf(result))
    this.#unacknowledged.set(keyOf(result), result)
    this.#send(result)
    if (this.#parts.dice.chance(this.#parts.weather.faults.resultTwice)) this.#send(result)
  }

  #cancel(ref: AttemptRef): void {
    if (!this.#running.has(keyOf(ref))) return
    this.#finish({ taskId: ref.taskId, step: ref.step, attempt: ref.attempt, outcome: { type: 'cancelled' } })
  }

  #send(result: AttemptResult): void {
    const link = this.#link
    this.#parts.clock.after(LATENCY_MS, () => {
      if (link?.open === true) link.session?.result(result)
    })
  }

  #beat(): void {
    this.#parts.clock.after(HEARTBEAT_MS, () => {
      const link = this.#link
      if (link?.open === true && this.#frozenForMs === 0) link.session?.heard()
      this.#beat()
    })
  }
}

const keyOf = ({ taskId, step, attempt }: AttemptRef): string => `${taskId}/${step}/${attempt}`

const failure = (errorType: string, retryable: boolean): AttemptOutcome => ({
  type: 'failed',
  failure: { message: 'simulated', errorType, retryable },
})

export const echoWork = ({ task, step }: StepCommand): JsonText => jsonOf({ step, context: task.submitted.context })
