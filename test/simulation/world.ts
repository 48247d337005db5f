/** A world: one log, its servers, workers and clients on a clock of its own, and somebody who sees everything. */
import { durationMs, handlerName, isTerminal, type LiveTask, type TaskId } from '@tasker/core'
import type { FunctionDefinition } from '@tasker/sdk'
import { inBackground } from '@tasker/server/internal/background'
import type { Engine, RegisterAnswer, StepCommand } from '@tasker/server/internal/engine/api'
import { memoryStore } from '@tasker/server/internal/projections/memory-store'
import { recordingTransport } from '../support/recording-transport.js'
import { VirtualClock } from '../support/virtual-clock.js'
import { choiceFor } from './branched-work.js'
import { Checking } from './checking.js'
import { Clients } from './clients.js'
import type { CrashPoints } from './crash-points.js'
import type { Dice } from './dice.js'
import { NO_FAULTS } from './fault-plan.js'
import type { WorkerHolds } from './invariants/invariant.js'
import { overdueTimers } from './invariants/wake-ups-come.js'
import { Calls, type NetworkParts } from './network.js'
import { ObservedLog } from './observed-log.js'
import { Operators } from './operators.js'
import type { PlantedBug } from './planted-bug.js'
import { simulatedSealing } from './sealing.js'
import { type Server, Servers } from './servers.js'
import { SimWorker } from './sim-worker.js'
import { Trace } from './trace.js'
import { Weather } from './weather.js'
import { HANDLERS } from './workload.js'

/** Dice for each subject, rolled apart: what came later leaves the worlds of earlier seeds as they were. */
export interface WorldDice {
  readonly world: Dice
  readonly events: Dice
  readonly choices: Dice
  readonly operators: Dice
  readonly network: Dice
  readonly crashes: Dice
}

export interface WorldOptions {
  readonly dice: WorldDice
  readonly crashes: (weather: Weather) => CrashPoints
  readonly readyWindowMax: number | undefined
  readonly bug: PlantedBug | undefined
  /** Clients speak with servers over a network, workers now and then with one that has lost everything. */
  readonly isNetworked: boolean
  /** Attempts that fail by the plan of the workload, apart from any fault; none when undefined. */
  readonly fails?: (command: StepCommand) => boolean
  /** How time passes, where more than promises must settle between two moments. */
  readonly advance?: (clock: VirtualClock, byMs: number) => Promise<void>
  /** There are tasks that no client submitted: all that the log has must come to rest. */
  readonly hasTasksOfItsOwn?: boolean
  readonly functions?: readonly FunctionDefinition[]
}

/** A worker as the faults of a world meet it. */
export interface WorkerInWorld extends WorkerHolds {
  cut(): void
  die(): void
  drain(): void
  freeze(forMs: number): void
  serverEnded(engine: Engine | undefined): void
}

const PARTITIONS = 4
/** How long the world may take to come to rest once faults have stopped. */
const CALM_MS_MAX = 1_200_000
const CALM_STEP_MS = 5_000
/** How long a start may take then. */
const START_MS_MAX = 120_000
/** Reads of servers that answer are compared at these moments. */
const QUIET_EVERY_MS = 10_000
const QUIET_READS = 5
/** How long a client waits until it registers a template again. */
const REGISTER_AGAIN_MS = 1_000
const REGISTRATIONS_MAX = 60

export class World {
  readonly clock = new VirtualClock()
  readonly trace = new Trace(() => this.clock.monotonicMs())
  readonly weather = new Weather(this.trace)
  readonly checking = new Checking(this.trace)
  readonly servers: Servers
  readonly workers: WorkerInWorld[] = []
  readonly templates: string[] = []
  readonly clients: Clients
  readonly operators: Operators
  readonly #options: WorldOptions
  readonly #dice: WorldDice
  readonly #log: ObservedLog
  readonly #store = memoryStore()
  readonly #transport = recordingTransport()
  readonly network: NetworkParts
  /** Nobody dies of being looked at. */
  #isJudged = false

  constructor(options: WorldOptions) {
    this.#options = options
    const { dice, readyWindowMax, bug } = options
    this.#dice = dice
    const { clock, trace, weather, checking } = this
    const crashes = options.crashes(weather)
    this.#log = new ObservedLog(PARTITIONS, (commit, writers) => checking.see(commit, writers))
    this.network = { clock, dice: dice.network, weather }
    this.servers = new Servers({
      clock,
      trace,
      weather,
      dice: dice.world,
      eventDice: dice.events,
      crashDice: dice.crashes,
      crashes: { at: (call) => (this.#isJudged ? undefined : crashes.at(call)) },
      log: (name) => this.#log.as(name),
      store: this.#store,
      transport: this.#transport,
      readyWindowMax,
      sealing: options.isNetworked ? simulatedSealing : undefined,
      bug,
      violated: (what) => checking.violated(what),
      ended: (engine) => {
        for (const worker of this.workers) worker.serverEnded(engine)
      },
    })
    this.clients = new Clients({
      clock,
      dice: dice.world,
      trace,
      checking,
      calls: options.isNetworked ? new Calls(this.network) : undefined,
      server: () => this.servers.current,
    })
    this.operators = new Operators({
      dice: dice.operators,
      read: (taskId) => (this.servers.current === undefined ? undefined : this.clients.read(this.servers.current, taskId)),
      order: (taskId, order) => this.clients.order(taskId, order),
      tasks: () => (options.isNetworked ? this.#openTasks() : this.clients.acknowledged),
      letterDice: options.isNetworked ? dice.network : undefined,
    })
  }

  get isBroken(): boolean {
    return this.checking.violations.length > 0
  }

  async advance(byMs: number): Promise<void> {
    const { advance } = this.#options
    await (advance === undefined ? this.clock.advance(byMs) : advance(this.clock, byMs))
  }

  /** Time passes, until it is over or something is wrong. */
  async pass(forMs: number): Promise<void> {
    for (let left = forMs; left > 0 && !this.isBroken; left -= 1_000) await this.advance(Math.min(left, 1_000))
  }

  /** Asks until a server answers that it is registered. */
  async register(document: string): Promise<void> {
    let given: RegisterAnswer | undefined
    for (let tries = 0; given === undefined && tries < REGISTRATIONS_MAX; tries++) {
      const server = this.servers.current
      const answer = server?.engine.register(document, { replace: false, actor: 'sim' })
      if (answer !== undefined)
        inBackground(
          answer.then((registered) => {
            if (server?.life.lives() === true && registered.type !== 'failed') given = registered
          }),
        )
      await this.advance(REGISTER_AGAIN_MS)
    }
    if (given === undefined || given.type === 'failed')
      return this.checking.violated(`a template was not registered: ${document}`)
    const { namespace, name, version, plan } = given.record
    this.checking.registered(namespace, name, version, plan)
    this.templates.push(name)
  }

  addWorker(): void {
    const { clock, weather, trace, checking } = this
    const { world: dice, choices, network } = this.#dice
    this.workers.push(
      new SimWorker({
        name: `worker-${this.workers.length + 1}`,
        clock,
        dice,
        weather,
        trace,
        network: this.network,
        handlers: HANDLERS.map(handlerName),
        slots: dice.between(2, 20),
        server: () => this.serverFor(network),
        choose: (command) => choiceFor(choices, command),
        choices,
        fails: this.#options.fails ?? (() => false),
        sent: (sent) => checking.sent(sent),
        port: this.#options.bug?.port ?? ((port) => port),
      }),
    )
  }

  /** A worker may reach a server that has lost everything and does not know. */
  serverFor(dice: Dice): Server | undefined {
    const { current, answering } = this.servers
    if (!this.#options.isNetworked || answering.length < 2 || !dice.chance(0.2)) return current
    return dice.pick(answering)
  }

  /** Faults have stopped: everything acknowledged must come to its end. */
  async calm(): Promise<void> {
    this.weather.faults = NO_FAULTS
    if (this.servers.current === undefined && !this.servers.isStarted) this.servers.start()
    for (let waited = 0; waited < CALM_MS_MAX && !this.isBroken; waited += CALM_STEP_MS) {
      await this.pass(CALM_STEP_MS)
      if (await this.#isAtRest()) break
    }
    await this.pass(CALM_STEP_MS)
    for (let waited = 0; waited < START_MS_MAX && this.servers.current === undefined; waited += CALM_STEP_MS)
      await this.pass(CALM_STEP_MS)
  }

  /** Everything is compared once more, at rest. */
  async judge(): Promise<void> {
    const server = this.servers.current
    this.#isJudged = true
    if (this.isBroken) return this.servers.stop()
    if (server === undefined) this.checking.violated('no server answers after the faults stopped')
    else {
      const judging = this.checking.rest({
        engine: server.engine,
        log: this.#log.as('nobody'),
        isSealed: this.#options.isNetworked,
        store: this.#store,
        acknowledged: this.clients.acknowledged,
        published: this.#transport.arrived,
        workers: this.workers,
        functions: new Map(this.#options.functions?.map((definition) => [definition.name, definition])),
        now: this.clock.now(),
        servesSince: server.servesSince,
      })
      await this.advance(60_000)
      await judging
    }
    this.servers.stop()
  }

  /** Operators look at what is open, and at what waits for them most of all. */
  #openTasks(): readonly TaskId[] {
    const { tasks } = this.checking.witness
    const states = this.clients.acknowledged.flatMap((taskId) => {
      const state = tasks.get(taskId)?.state
      return state?.type === 'task' && !isTerminal(state.phase) ? [{ taskId, phase: state.phase }] : []
    })
    const blocked = states.filter(({ phase }) => phase === 'blocked')
    return (blocked.length > 0 && this.#dice.network.chance(0.5) ? blocked : states).map(({ taskId }) => taskId)
  }

  /** While servers go on: the rows are compared with the log, and some tasks as they are shown. */
  lookNowAndThen(): void {
    const { network } = this.#dice
    this.clock.after(durationMs(QUIET_EVERY_MS), () => {
      if (this.weather.faults === NO_FAULTS) return
      inBackground(this.checking.quiet(this.#store))
      const { answering } = this.servers
      for (let n = 0; n < QUIET_READS && answering.length > 0 && this.clients.acknowledged.length > 0; n++)
        this.clients.read(network.pick(answering), network.pick(this.clients.acknowledged)).catch(() => undefined)
      this.lookNowAndThen()
    })
  }

  get #isUnacknowledged(): boolean {
    return this.workers.some(({ unacknowledged }) => unacknowledged.length > 0)
  }

  async #isAtRest(): Promise<boolean> {
    const server = this.servers.current
    if (server === undefined) return false
    const tasks = this.#options.isNetworked ? this.#inLog() : await this.#shownBy(server)
    const { projectionLagMs, domainEvents } = server.engine.health()
    if (projectionLagMs > 0 || domainEvents.lagMs > 0) return false
    for (const { taskId, state } of tasks)
      if (state?.endedAt === undefined && state?.pace.type === 'paused') this.operators.resume(taskId)
    if (this.#options.isNetworked && (this.#isUnacknowledged || this.#isOverdue(server))) return false
    return tasks.every(
      ({ state }) =>
        state !== undefined && (state.endedAt !== undefined || (state.pace.type === 'going' && state.phase === 'blocked')),
    )
  }

  #isOverdue({ servesSince }: Server): boolean {
    return overdueTimers(this.checking.witness, { now: this.clock.now(), servesSince }).length > 0
  }

  #inLog(): readonly TaskNow[] {
    const { tasks } = this.checking.witness
    const those = this.#options.hasTasksOfItsOwn === true ? [...tasks.keys()] : this.clients.acknowledged
    return those.map((taskId) => {
      const state = tasks.get(taskId)?.state
      return { taskId, state: state?.type === 'task' ? state : undefined }
    })
  }

  async #shownBy(server: Server): Promise<readonly TaskNow[]> {
    const reading = Promise.all(
      this.clients.acknowledged.map(async (taskId) => {
        const shown = await this.clients.read(server, taskId).catch(() => undefined)
        return { taskId, state: shown?.state }
      }),
    )
    await this.advance(1_000)
    return reading
  }
}

interface TaskNow {
  readonly taskId: TaskId
  readonly state: LiveTask | undefined
}
