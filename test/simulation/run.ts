/** One run: a world from a seed, its faults and its work, and the verdict on it. */
import { durationMs, type TaskId } from '@tasker/core'
import { drawBranchedTemplate } from './branched-work.js'
import { randomCrashes } from './crash-points.js'
import { Dice } from './dice.js'
import { drawFailingTemplate } from './failing-work.js'
import { drawFaultPlan, drawLaterFaults, drawNetworkFaults, type FaultPlan, NO_FAULTS } from './fault-plan.js'
import type { PlantedBug } from './planted-bug.js'
import { reportOf, type RunReport } from './run-report.js'
import { drawTemplate, IDENTITIES, withKeys, withTimes } from './workload.js'
import { World, type WorldDice } from './world.js'

/** Where the dice of each subject begin: what came later has dice of its own, and earlier seeds make the worlds they made. */
const SEEDS = {
  laterFaults: 1_000_000_007,
  laterTemplates: 2_000_000_011,
  events: 2_000_000_011,
  keys: 3_000_000_019,
  failing: 4_000_000_007,
  operators: 5_000_000_023,
  network: 6_000_000_029,
  crashes: 7_000_000_001,
  times: 8_000_000_011,
} as const
const TEMPLATES = 3
const BRANCHED = ['b0', 'b1'] as const
/** Templates that provide for failures. */
const FAILING = ['f0', 'f1'] as const
/** How long faults may happen. */
const STORMY_MS = 60_000

export interface RunOptions {
  /** Only the templates that were there when a seed was found. */
  readonly firstTemplatesOnly?: boolean
  /** Only the faults that were there when a seed was found. */
  readonly firstFaultsOnly?: boolean
  /** Without operators and the templates that fail on purpose, as it was when a seed was found. */
  readonly beforeOperators?: boolean
  /** Without network, crashes in calls, pressure of memory and times of steps, as it was when a seed was found. Follows from the others. */
  readonly beforeNetwork?: boolean
  readonly bug?: PlantedBug
}

export const runSeed = async (seed: number, options: RunOptions = {}): Promise<RunReport> => {
  const run = new Run(seed, options)
  await run.start()
  await run.storm()
  await run.world.calm()
  await run.world.judge()
  return run.report()
}

class Run {
  readonly #seed: number
  readonly #dice: WorldDice
  readonly #stormy: FaultPlan
  readonly world: World
  /** Templates that let go of identities when their tasks are over. */
  readonly #lettingGo = new Set<string>()
  readonly #drawn: (() => string)[]
  readonly #keyDice: Dice | undefined
  /** Undefined in a world that is older than the times of steps. */
  readonly #timeDice: Dice | undefined
  /** Mean virtual milliseconds between two orders; 0 for never. */
  readonly #orderEveryMs: number

  constructor(seed: number, options: RunOptions) {
    const { firstFaultsOnly = false, firstTemplatesOnly = false, beforeOperators = false } = options
    const isOld = firstFaultsOnly || firstTemplatesOnly || beforeOperators || options.beforeNetwork === true
    this.#seed = seed
    this.#dice = diceOf(seed)
    const { world: dice, events, choices, operators, network, crashes } = this.#dice
    const first = drawFaultPlan(dice)
    const later = firstFaultsOnly ? {} : drawLaterFaults(new Dice(seed + SEEDS.laterFaults))
    this.#stormy = { ...first, ...later, ...(isOld ? {} : drawNetworkFaults(network)) }
    const identities = firstTemplatesOnly ? [] : IDENTITIES
    identities.forEach((identity, n) => ('identity' in identity ? this.#lettingGo.add(`t${n}`) : undefined))
    this.#drawn = Array.from({ length: TEMPLATES }, (_, n) => () => drawTemplate(dice, `t${n}`, events, identities[n]))
    if (!firstTemplatesOnly) this.#drawn.push(...BRANCHED.map((name) => () => drawBranchedTemplate(choices, name)))
    const failing = new Dice(seed + SEEDS.failing)
    if (!firstTemplatesOnly && !beforeOperators)
      this.#drawn.push(...FAILING.map((name) => () => drawFailingTemplate(failing, name)))
    this.#keyDice = firstTemplatesOnly ? undefined : new Dice(seed + SEEDS.keys)
    this.#timeDice = isOld ? undefined : new Dice(seed + SEEDS.times)
    const silent = beforeOperators || firstFaultsOnly || firstTemplatesOnly
    const everyMs = !silent && operators.chance(0.5) ? operators.between(300, 5_000) : 0
    this.#orderEveryMs = isOld || everyMs > 0 || network.chance(0.5) ? everyMs : network.between(200, 2_000)
    this.world = new World({
      dice: this.#dice,
      crashes: (weather) => randomCrashes(crashes, weather),
      readyWindowMax: isOld || network.chance(0.3) ? undefined : network.between(1, 8),
      bug: options.bug,
      isNetworked: !isOld,
    })
  }

  async start(): Promise<void> {
    const { world } = this
    world.servers.start()
    await world.clock.advance(1_000)
    for (const draw of this.#drawn) {
      const drawn = draw()
      const keyed = this.#keyDice?.chance(0.5) === true ? withKeys(drawn, this.#keyDice) : drawn
      await world.register(this.#timeDice?.chance(0.4) === true ? withTimes(keyed, this.#timeDice) : keyed)
    }
    for (let n = this.#dice.world.between(1, 4); n > 0; n--) world.addWorker()
  }

  /** Work comes in while things go wrong. */
  async storm(): Promise<void> {
    const { world } = this
    world.weather.faults = this.#stormy
    this.#scheduleFaults()
    if (this.#timeDice !== undefined) world.lookNowAndThen()
    const tasks = this.#dice.world.between(30, 60)
    for (let n = 0; n < tasks; n++) {
      world.clock.after(durationMs(this.#dice.world.between(0, STORMY_MS - 5_000)), () => this.#submit())
    }
    await world.pass(STORMY_MS)
  }

  report(): RunReport {
    return reportOf(this.world, this.#seed, `--seed ${this.#seed}`)
  }

  #scheduleFaults(): void {
    const { servers, workers, clock } = this.world
    const { world: dice } = this.#dice
    const plan = this.#stormy
    this.#every(plan.workerDrainEveryMs, 'worker drain', () => dice.pick(workers).drain())
    this.#every(plan.crashEveryMs, 'server crash', () => servers.crash())
    this.#every(plan.takeoverEveryMs, 'takeover while the old server lives', () => servers.takeOver())
    this.#every(plan.streamCutEveryMs, 'stream cut', () => dice.pick(workers).cut())
    this.#every(plan.workerDeathEveryMs, 'worker death', () => dice.pick(workers).die())
    this.#every(plan.workerFreezeEveryMs, 'worker freeze', () => dice.pick(workers).freeze(dice.between(1_000, 45_000)))
    this.#orders()
    this.#every(plan.clockStepEveryMs, 'clock step', () => clock.jumpWall(dice.between(-20_000, 20_000)))
    this.#every(plan.memoryPressureEveryMs, 'memory pressure', () => servers.pressMemory(), this.#dice.network)
  }

  /** At steady steps, so that the dice of the world roll as they would without operators. */
  #orders(): void {
    if (this.#orderEveryMs === 0) return
    const { clock, weather, operators, servers } = this.world
    clock.after(durationMs(this.#orderEveryMs), () => {
      if (weather.faults === NO_FAULTS) return
      operators.act(servers.current !== undefined)
      this.#orders()
    })
  }

  #every(meanMs: number, what: string, happen: () => void, dice = this.#dice.world): void {
    if (meanMs === 0) return
    const { clock, weather } = this.world
    clock.after(durationMs(dice.between(meanMs >> 1, meanMs + (meanMs >> 1))), () => {
      if (weather.faults === NO_FAULTS) return
      weather.note(what)
      happen()
      this.#every(meanMs, what, happen, dice)
    })
  }

  #submit(): void {
    const { world: dice } = this.#dice
    const key = dice.chance(0.2) ? `k${dice.between(0, 5)}` : undefined
    const name = dice.pick(this.world.templates)
    const waitMs = this.#timeDice?.chance(0.1) === true ? this.#timeDice.between(0, 30_000) : undefined
    this.world.clients.submit(name, key, {
      letsGo: this.#lettingGo.has(name),
      waitMs,
      taken: (taskId) => this.#cancelSometimes(taskId),
    })
  }

  #cancelSometimes(taskId: TaskId): void {
    const { world: dice } = this.#dice
    if (dice.chance(0.1)) this.world.clock.after(durationMs(dice.between(0, 5_000)), () => this.world.clients.cancel(taskId))
  }
}

const diceOf = (seed: number): WorldDice => ({
  world: new Dice(seed),
  events: new Dice(seed + SEEDS.events),
  choices: new Dice(seed + SEEDS.laterTemplates),
  operators: new Dice(seed + SEEDS.operators),
  network: new Dice(seed + SEEDS.network),
  crashes: new Dice(seed + SEEDS.crashes),
})
