/** Strikes one after another under steady load; after each, what was open must reach its right result and the log must be sound. */
import { Dice } from '../simulation/dice.js'
import { until, within } from '../support/until.js'
import { Ground, type GroundSettings } from './ground.js'
import { Load } from './load.js'
import type { Figures, Phase, PhaseForm, PhaseRun } from './phase.js'
import type { Strike } from './strikes.js'
import { afterFault, judge, type Verdict } from './verdict.js'

const ROUND_MS_MAX = 240_000
const IN_FLIGHT = 200
/** Longer where there are many strikes, so that the log stays one that can be read after each. */
const HOLD_MS_MAX: Readonly<Record<PhaseForm, number>> = { short: 500, long: 2_000 }
/** Of the tasks in flight, those that must be open before the next strike. */
const LOAD_SHARE = 0.8
const RESULTS_BETWEEN_MAX = 60
const PAUSE_MS_MAX = 300
const WORKERS = { workers: 2, slots: 200, graceMs: 1_000, silenceMs: 2_500 } as const

export interface StrikePlan {
  readonly strike: Strike
  readonly times: number
}

export interface UnderLoad {
  readonly name: string
  readonly promise: string
  readonly plan: Readonly<Record<PhaseForm, readonly StrikePlan[]>>
  readonly ground?: Partial<GroundSettings>
  readonly leftOut?: Phase['leftOut']
}

interface Round {
  readonly strike: string
  readonly openTasks: number
  /** From the fault until what it ended is started again, or goes on. */
  readonly againMs: number
  /** From the fault to the first result that arrived after it. */
  readonly firstResultMs: number
  /** From the fault until all tasks that were open then had their results. */
  readonly allResultsMs: number
}

/** A phase of strikes. */
export const underLoad = ({ name, promise, plan, leftOut, ground: settings = {} }: UnderLoad): Phase => ({
  name,
  promise,
  ...(leftOut === undefined ? {} : { leftOut }),
  play: async (run) => {
    const ground = await Ground.open({ ...WORKERS, ...settings })
    try {
      const figures = await playStrikes(ground, plan[run.form], run)
      await ground.close()
      return figures
    } catch (error) {
      run.say(`the server's last words:\n${ground.lastWords}`)
      run.say(`the data is kept in ${await ground.abandon()}`)
      throw error
    }
  },
})

const playStrikes = async (ground: Ground, plan: readonly StrikePlan[], { form, seed, say }: PhaseRun): Promise<Figures> => {
  const dice = new Dice(seed)
  const load = new Load(ground.client, { inFlight: IN_FLIGHT, holdMsMax: HOLD_MS_MAX[form] })
  const rounds: Round[] = []
  load.start()
  const strikes = shuffled(
    plan.flatMap(({ strike, times }) => Array.from({ length: times }, () => strike)),
    dice,
  )
  for (const strike of strikes) {
    await untilItsMoment(load, dice)
    const what = `round ${rounds.length + 1}, ${strike.name}`
    const round = await within(what, ROUND_MS_MAX, playRound(strike, ground, load, dice))
    const verdict = await load.resting(() => judge(ground, load, afterFault(form)))
    rounds.push(round)
    say(
      `${what} with ${round.openTasks} tasks open: again after ${round.againMs} ms, first result after ${round.firstResultMs} ms, ` +
        `all after ${round.allResultsMs} ms; ${verdict.tasks} tasks in a sound log, looked at in ${verdict.audit_ms} ms`,
    )
  }
  await within('the results of all open tasks', ROUND_MS_MAX, load.stop())
  const verdict = await judge(ground, load, 'over')
  return figuresOf(rounds, load, { ...verdict, postgresVersion: await ground.postgresVersion() })
}

/** Each strikes in the midst of the load, not at its edge. */
const untilItsMoment = async (load: Load, dice: Dice): Promise<void> => {
  for (let results = dice.between(1, RESULTS_BETWEEN_MAX); results > 0; results--) {
    await within('a result', ROUND_MS_MAX, load.nextResult())
  }
  await until('the load is back', ROUND_MS_MAX, async () => (load.open >= IN_FLIGHT * LOAD_SHARE ? true : undefined))
  await pause(dice.between(0, PAUSE_MS_MAX))
}

const playRound = async (strike: Strike, ground: Ground, load: Load, dice: Dice): Promise<Round> => {
  const struckAt = performance.now()
  const elapsed = (): number => Math.round(performance.now() - struckAt)
  let first: Promise<number> | undefined
  let all: Promise<{ readonly open: number; readonly ms: number }> | undefined
  await strike.run(ground, dice, () => {
    first = load.nextResult().then(elapsed)
    all = load.openNow().then((open) => ({ open, ms: elapsed() }))
  })
  const againMs = elapsed()
  const done = await all
  return {
    strike: strike.name,
    openTasks: done?.open ?? 0,
    againMs,
    firstResultMs: (await first) ?? 0,
    allResultsMs: done?.ms ?? 0,
  }
}

const figuresOf = (
  rounds: readonly Round[],
  load: Load,
  { tasks, events, postgresVersion }: Pick<Verdict, 'tasks' | 'events'> & { readonly postgresVersion: string },
): Figures => {
  const names = [...new Set(rounds.map(({ strike }) => strike))]
  const refused = [...load.refusals].map(([reason, count]) => `${count} × ${reason}`).join(', ')
  return {
    postgresVersion,
    columns: ['fault', 'times', 'tasks open', 'again after', 'first result after', 'all results after'],
    rows: names.map((name) => {
      const mine = rounds.filter(({ strike }) => strike === name)
      const spread = (of: (round: Round) => number): string => medianAndMost(mine.map(of))
      return [
        name,
        mine.length,
        range(mine.map(({ openTasks }) => openTasks)),
        spread(({ againMs }) => againMs),
        spread(({ firstResultMs }) => firstResultMs),
        spread(({ allResultsMs }) => allResultsMs),
      ]
    }),
    notes: [
      `${load.acknowledged.length} tasks were acknowledged, and each reached its right result; the log holds ${tasks} tasks and ${events} events, and is sound.`,
      `Submissions answered and sent again: ${refused === '' ? 'none' : refused}.`,
    ],
  }
}

/** In milliseconds: the one in the middle, and the highest where there are several. */
const medianAndMost = (values: readonly number[]): string => {
  const sorted = values.toSorted((a, b) => a - b)
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
  return sorted.length === 1 ? `${median} ms` : `${median} ms, at most ${sorted.at(-1) ?? 0} ms`
}

const range = (values: readonly number[]): string => {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  return least === most ? `${least}` : `${least} to ${most}`
}

const shuffled = <Item>(items: readonly Item[], dice: Dice): readonly Item[] => {
  const rest = [...items]
  return items.map(() => {
    const at = dice.between(0, rest.length - 1)
    const [item] = rest.splice(at, 1)
    if (item === undefined) throw new Error('nothing is left to draw')
    return item
  })
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
