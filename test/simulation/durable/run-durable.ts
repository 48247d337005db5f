/** One world with durable functions and schedules: the faults are those of all worlds, the workers have the SDK in them. */
import { durationMs, isTerminal, type TaskId } from '@tasker/core'
import type { FunctionDefinition } from '@tasker/sdk'
import { randomCrashes } from '../crash-points.js'
import { Dice } from '../dice.js'
import { drawFaultPlan, drawLaterFaults, drawNetworkFaults, type FaultPlan, NO_FAULTS } from '../fault-plan.js'
import type { PlantedBug } from '../planted-bug.js'
import { type RunReport, reportOf } from '../run-report.js'
import { drawTemplate, HANDLERS, NAMESPACE } from '../workload.js'
import type { Witness } from '../witness.js'
import { World, type WorldDice } from '../world.js'
import { DurableWorker } from './durable-worker.js'
import { drawFunction } from './functions.js'
import { ScheduleOperators } from './schedule-operators.js'
import { Signals } from './signals.js'
import { Stage } from './stage.js'
import { toldOf } from './told.js'
import { advanceByTurns } from './turns.js'

/** Apart from every other world of the same seed. */
const FIRST_SEED = 10_000_000_019
const SUBJECTS = ['world', 'events', 'choices', 'operators', 'network', 'crashes', 'work', 'workers'] as const
const SUBJECT_STEP = 1_000_000_007

const FUNCTIONS = ['g0', 'g1', 'g2'] as const
const TEMPLATES = ['t0'] as const
const STORMY_MS = 40_000
/** Once faults have stopped schedules go on for a while, so that what is due then is seen to come. */
const AFTER_STORM_MS = 15_000
const SCHEDULES_AT_REST_MS_MAX = 300_000
const SIGNALS_EVERY_MS = 5_000

export interface DurableOptions {
  readonly bug?: PlantedBug
}

export const runDurable = async (seed: number, options: DurableOptions = {}): Promise<RunReport> => {
  const run = new DurableRun(seed, options)
  await run.start()
  await run.storm()
  await run.calm()
  await run.world.judge()
  return run.report()
}

class DurableRun {
  readonly #seed: number
  readonly #dice: WorldDice
  readonly #work: Dice
  readonly #workerDice: Dice
  readonly #stormy: FaultPlan
  readonly #bug: PlantedBug | undefined
  readonly #functions: readonly FunctionDefinition[]
  readonly #schedules: ScheduleOperators
  readonly #signals: Signals
  readonly #workers: DurableWorker[] = []
  readonly world: World

  constructor(seed: number, { bug }: DurableOptions) {
    this.#seed = seed
    this.#bug = bug
    const dice = diceOf(seed)
    this.#dice = dice
    this.#work = dice.work
    this.#workerDice = dice.workers
    this.#stormy = {
      ...drawFaultPlan(dice.world),
      ...drawLaterFaults(dice.events),
      ...drawNetworkFaults(dice.network),
      projectionLagMsMax: dice.work.pick([5, 50, 1_000, 20_000]),
    }
    const stage = new Stage({
      saw: (saw) => this.world.checking.sent({ type: 'saw', ...saw }),
      took: (took) => this.world.checking.sent({ type: 'took', ...took }),
    })
    this.#functions = FUNCTIONS.map((name) => drawFunction(dice.work, name, stage))
    this.world = new World({
      dice,
      crashes: (weather) => randomCrashes(dice.crashes, weather),
      readyWindowMax: undefined,
      bug,
      isNetworked: true,
      advance: advanceByTurns,
      hasTasksOfItsOwn: true,
      functions: this.#functions,
    })
    const { clock, clients, checking } = this.world
    this.#signals = new Signals({ clock, dice: dice.work, clients, witness: checking.witness })
    this.#schedules = new ScheduleOperators({
      clock,
      dice: dice.work,
      clients,
      witness: checking.witness,
      templates: [...FUNCTIONS, ...TEMPLATES],
    })
  }

  async start(): Promise<void> {
    const { world } = this
    world.servers.start()
    await world.advance(1_000)
    for (const definition of this.#functions) await world.register(JSON.stringify(definition.template()))
    for (const name of TEMPLATES) await world.register(drawTemplate(this.#work, name, this.#dice.events))
    for (let n = this.#work.between(2, 3); n > 0; n--) this.#addWorker()
  }

  async storm(): Promise<void> {
    const { world } = this
    world.weather.faults = this.#stormy
    this.#scheduleFaults()
    world.lookNowAndThen()
    this.#schedules.create()
    this.#again(2_000, 8_000, () => this.#schedules.act())
    const tasks = this.#work.between(8, 16)
    for (let n = 0; n < tasks; n++) world.clock.after(durationMs(this.#work.between(0, STORMY_MS - 10_000)), () => this.#submit())
    await world.pass(STORMY_MS)
  }

  async calm(): Promise<void> {
    const { world } = this
    world.weather.faults = NO_FAULTS
    if (world.servers.current === undefined && !world.servers.isStarted) world.servers.start()
    this.#helpSleepers()
    await world.pass(AFTER_STORM_MS)
    this.#checkSchedules()
    for (let waitedMs = 0; waitedMs < SCHEDULES_AT_REST_MS_MAX && !world.isBroken && !this.#schedules.areAtRest; ) {
      this.#schedules.pause()
      await world.pass(SIGNALS_EVERY_MS)
      waitedMs += SIGNALS_EVERY_MS
    }
    await world.calm()
  }

  report(): RunReport {
    return reportOf(this.world, this.#seed, `--durable --seed ${this.#seed}`)
  }

  #checkSchedules(): void {
    const { servers, clock, checking } = this.world
    const { current } = servers
    if (current !== undefined) checking.sent({ type: 'schedules_served', now: clock.now(), servesSince: current.servesSince })
  }

  /** Whoever waits for a signal gets one in the end. */
  #helpSleepers(): void {
    const { world } = this
    world.clock.after(durationMs(SIGNALS_EVERY_MS), () => {
      this.#signals.sendAll(openFunctions(world.checking.witness))
      this.#helpSleepers()
    })
  }

  #addWorker(): void {
    const { world } = this
    const { clock, weather, trace, network, checking } = world
    const worker = new DurableWorker({
      name: `worker-${world.workers.length + 1}`,
      clock,
      dice: this.#workerDice,
      weather,
      trace,
      network,
      namespace: NAMESPACE,
      functions: this.#functions,
      handlers: HANDLERS,
      server: () => world.serverFor(this.#dice.network),
      left: (to, message) => {
        for (const sent of toldOf(to, message)) checking.sent(sent)
      },
      bug: this.#bug,
    })
    this.#workers.push(worker)
    world.workers.push(worker)
  }

  #scheduleFaults(): void {
    const { servers, operators, clock } = this.world
    const workers = this.#workers
    const { world: dice, network } = this.#dice
    const plan = this.#stormy
    const every = (meanMs: number, what: string, happen: () => void): void => {
      if (meanMs === 0) return
      this.#again(meanMs >> 1, meanMs + (meanMs >> 1), () => {
        this.world.weather.note(what)
        happen()
      })
    }
    every(plan.workerDrainEveryMs, 'worker drain', () => dice.pick(workers).drain())
    every(plan.crashEveryMs, 'server crash', () => servers.crash())
    every(plan.takeoverEveryMs, 'takeover while the old server lives', () => servers.takeOver())
    every(plan.streamCutEveryMs, 'stream cut', () => dice.pick(workers).cut())
    every(plan.workerDeathEveryMs, 'worker death', () => dice.pick(workers).die())
    every(plan.workerFreezeEveryMs, 'worker freeze', () => dice.pick(workers).freeze(dice.between(1_000, 45_000)))
    every(plan.clockStepEveryMs, 'clock step', () => clock.jumpWall(dice.between(-20_000, 20_000)))
    every(plan.memoryPressureEveryMs, 'memory pressure', () => servers.pressMemory())
    every(network.chance(0.6) ? network.between(8_000, 30_000) : 0, 'worker cut off while it works on', () =>
      dice.pick(workers).isolate(dice.between(3_000, 30_000)),
    )
    this.#again(1_000, 6_000, () => operators.act(servers.current !== undefined))
  }

  /** Again and again while there are faults. */
  #again(fromMs: number, toMs: number, act: () => void): void {
    const { clock, weather } = this.world
    clock.after(durationMs(this.#dice.world.between(fromMs, toMs)), () => {
      if (weather.faults === NO_FAULTS) return
      act()
      this.#again(fromMs, toMs, act)
    })
  }

  #submit(): void {
    const name = this.#work.pick([...FUNCTIONS, ...FUNCTIONS, ...TEMPLATES])
    const key = this.#work.chance(0.2) ? `k${this.#work.between(0, 3)}` : undefined
    const isFunction = name.startsWith('g')
    const signal = isFunction && this.#work.chance(0.3) ? this.#signals.draw() : undefined
    this.world.clients.submit(name, key, {
      letsGo: false,
      waitMs: this.#work.chance(0.1) ? this.#work.between(0, 10_000) : undefined,
      signal,
      taken: (taskId) => (isFunction ? this.#disturb(taskId) : undefined),
    })
  }

  /** Signals that come early, late and often; and now and then an end that nobody asked the function about. */
  #disturb(taskId: TaskId): void {
    const { clock, clients } = this.world
    for (let n = this.#work.between(0, 3); n > 0; n--)
      clock.after(durationMs(this.#work.between(0, 20_000)), () => this.#signals.send(taskId))
    if (this.#work.chance(0.15)) clock.after(durationMs(this.#work.between(0, 15_000)), () => clients.cancel(taskId))
  }
}

const openFunctions = ({ tasks }: Witness): readonly TaskId[] =>
  [...tasks.values()].flatMap(({ taskId, state }) =>
    state.type === 'task' && state.journal !== undefined && !isTerminal(state.phase) ? [taskId] : [],
  )

const diceOf = (seed: number): { readonly [Subject in (typeof SUBJECTS)[number]]: Dice } => {
  const at = (subject: (typeof SUBJECTS)[number]): Dice => new Dice(seed + FIRST_SEED + SUBJECT_STEP * SUBJECTS.indexOf(subject))
  return {
    world: at('world'),
    events: at('events'),
    choices: at('choices'),
    operators: at('operators'),
    network: at('network'),
    crashes: at('crashes'),
    work: at('work'),
    workers: at('workers'),
  }
}
