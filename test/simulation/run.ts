/** One run: a world from a seed, its faults and its work, and the verdict on it. */
import { durationMs, handlerName, NO_LIFECYCLE, type TaskId } from '@tasker/core'
import { inBackground } from '@tasker/server/internal/background'
import type { PublishingPorts } from '@tasker/server/internal/engine/engine-parts'
import { type RunningEngine, startEngine } from '@tasker/server/internal/engine/engine'
import type { SealingPorts } from '@tasker/server/internal/engine/seals/sealer'
import { memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { memoryStore } from '@tasker/server/internal/projections/memory-store'
import { createMetrics } from '@tasker/server/internal/telemetry/metrics'
import { schemaCheck } from '@tasker/server/internal/templates/json-schema'
import { recordingTransport } from '../support/recording-transport.js'
import { VirtualClock } from '../support/virtual-clock.js'
import { Dice } from './dice.js'
import { drawFaultPlan, drawLaterFaults, type FaultPlan, NO_FAULTS } from './fault-plan.js'
import { Incarnation, type Weather } from './incarnation.js'
import { checkAll } from './invariants.js'
import { echoWork, SimWorker } from './sim-worker.js'
import { sealViolations, simulatedSealing } from './seal-invariants.js'
import { choiceFor, drawBranchedTemplate } from './branched-work.js'
import { drawFailingTemplate } from './failing-work.js'
import { Operators } from './operators.js'
import { drawTemplate, HANDLERS, IDENTITIES, submitUntilAcknowledged, withKeys } from './workload.js'

export interface RunReport {
  readonly seed: number
  readonly violations: readonly string[]
  readonly tasks: number
  readonly events: number
  /** How often each kind of fault happened. */
  readonly faults: ReadonlyMap<string, number>
  readonly virtualMs: number
  /** Places of keys that were given. */
  readonly grants: number
  /** Compensations that began, and those that took everything back. */
  readonly compensations: { readonly begun: number; readonly complete: number }
}

const PARTITIONS = 4
/** Where the dice of later faults begin. */
const LATER_SEEDS = 1_000_000_007
/** Where the dice of keys begin. */
const KEY_SEEDS = 3_000_000_019
/** Where the dice of domain events begin. */
const EVENT_SEEDS = 2_000_000_011
/** Where the dice of operators begin. */
const OPERATOR_SEEDS = 5_000_000_023
const TEMPLATES = 3
/** Templates that came later, with dice of their own. */
const LATER_TEMPLATE_SEEDS = 2_000_000_011
const BRANCHED = ['b0', 'b1'] as const
/** Templates that provide for failures came later still. */
const FAILING_SEEDS = 4_000_000_007
const FAILING = ['f0', 'f1'] as const
/** How long faults may happen, and how long the world may take to come to rest after them. */
const STORMY_MS = 60_000
const CALM_MS_MAX = 1_200_000
const CALM_STEP_MS = 5_000

export interface RunOptions {
  /** Only the templates that were there when a seed was found. */
  readonly firstTemplatesOnly?: boolean
  /** Only the faults that were there when a seed was found. */
  readonly firstFaultsOnly?: boolean
  /** Without operators and the templates that fail on purpose, as it was when a seed was found. */
  readonly beforeOperators?: boolean
  /** Seals are made: other worlds than the same seeds have without. */
  readonly seals?: boolean
}

export const runSeed = async (seed: number, options: RunOptions = {}): Promise<RunReport> => {
  const world = new World(seed, options)
  await world.start()
  await world.storm()
  await world.calm()
  return world.verdict()
}

class World {
  readonly #seed: number
  readonly #dice: Dice
  readonly #clock = new VirtualClock()
  readonly #log = memoryLog({ partitionCount: PARTITIONS })
  readonly #store = memoryStore()
  readonly #transport = recordingTransport()
  /** Of what concerns domain events alone: it leaves the rest of a world as it was before there were any. */
  readonly #eventDice: Dice
  readonly #weather: Weather
  /** Rolled apart, so that the worlds of earlier seeds stay what they were. */
  readonly #keyDice: Dice | undefined
  readonly #stormy: FaultPlan
  readonly #violations: string[] = []
  readonly #acknowledged: TaskId[] = []
  readonly #workers: SimWorker[] = []
  readonly #templates: string[] = []
  /** Templates that let go of identities when their tasks are over. */
  readonly #lettingGo = new Set<string>()
  readonly #drawn: (() => string)[]
  readonly #choices: Dice
  /** By task and step, the attempts whose checkpoint was acknowledged. */
  readonly #checkpoints = new Map<string, Set<number>>()
  readonly #operators: Operators
  readonly #sealing: { readonly sealing?: SealingPorts }
  /** Mean virtual milliseconds between two orders; 0 for never. */
  readonly #orderEveryMs: number
  #lives = 0
  #engine: RunningEngine | undefined
  #incarnation: Incarnation | undefined
  readonly #engines = new Map<Incarnation, RunningEngine>()

  constructor(seed: number, options: RunOptions) {
    const { firstFaultsOnly = false, firstTemplatesOnly = false } = options
    this.#seed = seed
    this.#dice = new Dice(seed)
    this.#eventDice = new Dice(seed + EVENT_SEEDS)
    const first = drawFaultPlan(this.#dice)
    this.#stormy = firstFaultsOnly ? first : { ...first, ...drawLaterFaults(new Dice(seed + LATER_SEEDS)) }
    this.#weather = { faults: NO_FAULTS, seen: new Map() }
    const later = new Dice(seed + LATER_TEMPLATE_SEEDS)
    this.#choices = later
    const identities = firstTemplatesOnly ? [] : IDENTITIES
    identities.forEach((identity, n) => ('identity' in identity ? this.#lettingGo.add(`t${n}`) : undefined))
    this.#drawn = Array.from(
      { length: TEMPLATES },
      (_, n) => () => drawTemplate(this.#dice, `t${n}`, this.#eventDice, identities[n]),
    )
    if (!firstTemplatesOnly) this.#drawn.push(...BRANCHED.map((name) => () => drawBranchedTemplate(later, name)))
    const failing = new Dice(seed + FAILING_SEEDS)
    if (!firstTemplatesOnly && options.beforeOperators !== true)
      this.#drawn.push(...FAILING.map((name) => () => drawFailingTemplate(failing, name)))
    this.#keyDice = firstTemplatesOnly ? undefined : new Dice(seed + KEY_SEEDS)
    const dice = new Dice(seed + OPERATOR_SEEDS)
    const silent = options.beforeOperators === true || firstFaultsOnly || firstTemplatesOnly
    this.#orderEveryMs = !silent && dice.chance(0.5) ? dice.between(300, 5_000) : 0
    this.#sealing = options.seals === true ? { sealing: simulatedSealing } : {}
    this.#operators = new Operators({
      dice,
      engine: () => this.#engine,
      tasks: () => this.#acknowledged,
      note: (what) => this.#note(what),
    })
  }

  async start(): Promise<void> {
    this.#startServer()
    await this.#clock.advance(1_000)
    for (const draw of this.#drawn) {
      const drawn = draw()
      const document = this.#keyDice?.chance(0.5) === true ? withKeys(drawn, this.#keyDice) : drawn
      const answer = this.#engine?.register(document, { replace: false, actor: 'sim' })
      await this.#clock.advance(1_000)
      const given = await answer
      if (given?.type !== 'registered') this.#violated(`a template was not registered: ${JSON.stringify(given)}`)
      else this.#templates.push(given.record.name)
    }
    for (let n = this.#dice.between(1, 4); n > 0; n--) this.#workers.push(this.#newWorker())
  }

  /** Work comes in while things go wrong. */
  async storm(): Promise<void> {
    this.#weather.faults = this.#stormy
    this.#scheduleFaults()
    const tasks = this.#dice.between(30, 60)
    for (let n = 0; n < tasks; n++) {
      this.#clock.after(durationMs(this.#dice.between(0, STORMY_MS - 5_000)), () => this.#submit())
    }
    await this.#clock.advance(STORMY_MS)
  }

  /** Faults stop; everything acknowledged must come to its end. */
  async calm(): Promise<void> {
    this.#weather.faults = NO_FAULTS
    if (this.#engine === undefined && this.#incarnation === undefined) this.#startServer()
    for (let waited = 0; waited < CALM_MS_MAX; waited += CALM_STEP_MS) {
      await this.#clock.advance(CALM_STEP_MS)
      if (await this.#atRest()) break
    }
    await this.#clock.advance(CALM_STEP_MS)
  }

  async verdict(): Promise<RunReport> {
    const engine = this.#engine
    const commits = this.#log.all()
    if (engine === undefined) this.#violated('no server answers after the faults stopped')
    else {
      const evidence = {
        commits,
        written: this.#log.written(),
        engine,
        store: this.#store,
        acknowledged: this.#acknowledged,
        published: this.#transport.arrived,
      }
      const checking = checkAll(evidence)
      await this.#clock.advance(60_000)
      this.#violations.push(...(await checking))
      if ('sealing' in this.#sealing) this.#violations.push(...(await sealViolations(this.#log)))
    }
    this.#incarnation?.die()
    return {
      seed: this.#seed,
      violations: this.#violations,
      tasks: this.#acknowledged.length,
      events: commits.reduce((sum, { types }) => sum + types.length, 0),
      faults: this.#weather.seen,
      grants: commits.flatMap(({ types }) => types.filter((type) => type === 'key.granted')).length,
      compensations: {
        begun: commits.flatMap(({ types }) => types.filter((type) => type === 'compensation.started')).length,
        complete: commits.flatMap(({ types }) => types.filter((type) => type === 'compensation.completed')).length,
      },
      virtualMs: this.#clock.monotonicMs(),
    }
  }

  #violated(what: string): void {
    this.#violations.push(what)
  }

  #note(what: string): void {
    this.#weather.seen.set(what, (this.#weather.seen.get(what) ?? 0) + 1)
  }

  #startServer(): void {
    const parts = { log: this.#log, store: this.#store, transport: this.#transport }
    const incarnation = new Incarnation(this.#clock, parts, this.#dice, this.#eventDice, this.#weather)
    this.#incarnation = incarnation
    const { log, store, clock, transport } = incarnation
    const publishing: PublishingPorts = {
      transport,
      available: () => undefined,
      unreadable: (stream, error) => this.#violated(`the domain events of ${stream} cannot be read: ${String(error)}`),
    }
    const starting = startEngine(
      {
        log,
        store,
        clock,
        schemaCheck: schemaCheck(),
        metrics: createMetrics(),
        draw: () => this.#dice.next(),
        publishing,
        ...this.#sealing,
      },
      {
        node: `node-${++this.#lives}`,
        batchCommitsMax: this.#dice.pick([3, 50, 500]),
        cacheBytesMax: this.#dice.pick([20_000, 1_000_000_000]),
        projectionIntervalMs: durationMs(100),
        workerGraceMs: durationMs(10_000),
        workerSilenceMs: durationMs(30_000),
        cancelGraceMs: durationMs(10_000),
        templateReplace: false,
        environment: undefined,
        lifecycle: NO_LIFECYCLE,
        workerUnavailableMs: durationMs(5_000),
        workerUnavailableDeadLetterMs: durationMs(600_000),
      },
      {
        fenced: () => this.#end(incarnation),
        quarantined: (stream) => this.#violated(`quarantined ${JSON.stringify(stream)}`),
        logAvailable: () => undefined,
      },
    )
    starting.then(
      (engine) => {
        if (!incarnation.alive) return
        this.#engines.set(incarnation, engine)
        if (this.#incarnation === incarnation) this.#engine = engine
      },
      () => {
        // A start that failed on a simulated fault is tried again, as a supervisor would.
        if (!incarnation.alive) return
        this.#end(incarnation)
      },
    )
  }

  /** A process ends; if it was the current one, another starts a little later. */
  #end(incarnation: Incarnation): void {
    if (!incarnation.alive) return
    incarnation.die()
    const engine = this.#engines.get(incarnation)
    if (this.#engine === engine) this.#engine = undefined
    for (const worker of this.#workers) worker.serverEnded(engine)
    this.#engines.delete(incarnation)
    if (this.#incarnation !== incarnation) return
    this.#incarnation = undefined
    this.#clock.after(durationMs(this.#dice.between(10, 3_000)), () => {
      if (this.#incarnation === undefined) this.#startServer()
    })
  }

  #scheduleFaults(): void {
    const { crashEveryMs, takeoverEveryMs, streamCutEveryMs, workerDeathEveryMs, workerFreezeEveryMs, clockStepEveryMs } =
      this.#stormy
    this.#every(this.#stormy.workerDrainEveryMs, 'worker drain', () => this.#dice.pick(this.#workers).drain())
    this.#every(crashEveryMs, 'server crash', () => this.#incarnation && this.#end(this.#incarnation))
    this.#every(takeoverEveryMs, 'takeover while the old server lives', () => this.#takeOver())
    this.#every(streamCutEveryMs, 'stream cut', () => this.#dice.pick(this.#workers).cut())
    this.#every(workerDeathEveryMs, 'worker death', () => this.#dice.pick(this.#workers).die())
    this.#every(workerFreezeEveryMs, 'worker freeze', () =>
      this.#dice.pick(this.#workers).freeze(this.#dice.between(1_000, 45_000)),
    )
    this.#orders()
    this.#every(clockStepEveryMs, 'clock step', () => this.#clock.jumpWall(this.#dice.between(-20_000, 20_000)))
  }

  /** At steady steps, so that the dice of the world roll as they would without operators. */
  #orders(): void {
    if (this.#orderEveryMs === 0) return
    this.#clock.after(durationMs(this.#orderEveryMs), () => {
      if (this.#weather.faults === NO_FAULTS) return
      this.#operators.act()
      this.#orders()
    })
  }

  #every(meanMs: number, what: string, happen: () => void): void {
    if (meanMs === 0) return
    this.#clock.after(durationMs(this.#dice.between(meanMs >> 1, meanMs + (meanMs >> 1))), () => {
      if (this.#weather.faults === NO_FAULTS) return
      this.#note(what)
      happen()
      this.#every(meanMs, what, happen)
    })
  }

  /** A second server starts while the first still serves its workers: the log fences the first. */
  #takeOver(): void {
    const old = this.#incarnation
    if (old === undefined || this.#engine === undefined) return
    this.#startServer()
    // The old one finds out by itself, or its machine goes down at last.
    this.#clock.after(durationMs(20_000), () => this.#end(old))
  }

  #newWorker(): SimWorker {
    return new SimWorker({
      clock: this.#clock,
      dice: this.#dice,
      weather: this.#weather,
      handlers: HANDLERS.map(handlerName),
      slots: this.#dice.between(2, 20),
      engine: () => this.#engine,
      work: echoWork,
      choose: (command) => choiceFor(this.#choices, command),
      choices: this.#choices,
      checkpoints: this.#checkpoints,
      violated: (what) => this.#violated(what),
    })
  }

  #submit(): void {
    const dice = this.#dice
    const key = dice.chance(0.2) ? `k${dice.between(0, 5)}` : undefined
    const name = dice.pick(this.#templates)
    submitUntilAcknowledged(name, key, {
      clock: this.#clock,
      dice,
      engine: () => this.#engine,
      acknowledged: ({ taskId }) => {
        this.#acknowledged.push(taskId)
        if (dice.chance(0.1)) this.#clock.after(durationMs(dice.between(0, 5_000)), () => this.#cancel(taskId))
      },
      violated: (what) => this.#violated(what),
      letsGo: this.#lettingGo.has(name),
    })
  }

  #cancel(taskId: TaskId): void {
    this.#note('cancel')
    const engine = this.#engine
    if (engine !== undefined) inBackground(engine.cancel(taskId, 'simulated', 'sim'))
  }

  async #atRest(): Promise<boolean> {
    const engine = this.#engine
    if (engine === undefined) return false
    const reading = Promise.all(this.#acknowledged.map((taskId) => engine.read(taskId).catch(() => undefined)))
    await this.#clock.advance(1_000)
    const tasks = await reading
    const { projectionLagMs, domainEvents } = engine.health()
    if (projectionLagMs > 0 || domainEvents.lagMs > 0) return false
    for (const task of tasks)
      if (task?.state.endedAt === undefined && task?.state.pace.type === 'paused') this.#operators.resume(engine, task.taskId)
    return tasks.every(
      (task) =>
        task !== undefined &&
        (task.state.endedAt !== undefined || (task.state.pace.type === 'going' && task.state.phase === 'blocked')),
    )
  }
}
