/** Profiles W1: the stacks of server and worker, what PostgreSQL did, and the budget of a step. */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Form, Say } from '../form.js'
import { windowOf } from '../growth/throughput-at.js'
import { measure } from '../measure.js'
import { type BenchDatabase, newFolder } from '../parts.js'
import { round } from '../statistics.js'
import { SHAPES } from '../shapes.js'
import { startTasker } from '../tasker-stage.js'
import { budgetOf } from './budget.js'
import { type Folded, foldProfile, parseProfile, type Window } from './cpu-profile.js'
import { barText, flameOf } from './flame.js'
import { COUNTED, resetStatements, statementsOf, type StatementUse } from './statements.js'

export interface Profiled {
  readonly steps: number
  readonly steps_per_s: number
  /** CPU by process, in microseconds a step. */
  readonly cpu_us_per_step: Readonly<Record<string, number>>
  /** Wall time of the server's main thread while it was not idle, in microseconds a step. */
  readonly budget_us_per_step: Readonly<Record<string, number>>
  readonly statements: readonly StatementUse[]
  /** Bars of a flame, a line each. */
  readonly server: readonly string[]
  readonly worker: readonly string[]
}

const IN_FLIGHT = 200
const SHAPE = 'linear_4'
const SAMPLED_EVERY_US = 500
const US_PER_S = 1_000_000

const profiledBy = (folder: string): readonly string[] => [
  '--cpu-prof',
  `--cpu-prof-dir=${folder}`,
  `--cpu-prof-interval=${SAMPLED_EVERY_US}`,
]

export const playProfile = async (form: Form, say: Say): Promise<Profiled> => {
  const folder = newFolder()
  const [serverFolder, workerFolder] = [join(folder, 'server'), join(folder, 'worker')]
  try {
    const stage = await startTasker([SHAPE], {
      serverNodeArgs: profiledBy(serverFolder),
      workerNodeArgs: profiledBy(workerFolder),
      parameters: COUNTED,
    })
    const window = { fromUs: 0, toUs: 0 }
    let statements: readonly StatementUse[] = []
    let run: Awaited<ReturnType<typeof measure>>
    try {
      const load = { type: 'closed_loop', shape: SHAPE, inFlight: IN_FLIGHT, ...windowOf(form) } as const
      run = await measure(stage, load, {
        opened: () => marked(stage.database, (nowUs) => (window.fromUs = nowUs)),
        closed: async () => {
          window.toUs = nowUs()
          statements = await statementsOf(stage.database)
        },
      })
    } finally {
      await stage.stop()
    }
    if (!('steps_per_s' in run)) throw new Error('a closed loop measures throughput')
    const steps = run.tasks * SHAPES[SHAPE].steps
    say(`${steps} steps, ${run.steps_per_s} steps/s`)
    const server = foldedIn(serverFolder, window)
    return {
      steps,
      steps_per_s: run.steps_per_s,
      cpu_us_per_step: mapped(run.cpu_by_process, (perThousand) => (perThousand / 1_000) * US_PER_S),
      budget_us_per_step: mapped(budgetOf(server), (us) => us / steps),
      statements: statements.map((use) => perStep(use, steps)),
      server: flameOf(server).map(barText),
      worker: flameOf(foldedIn(workerFolder, window)).map(barText),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const nowUs = (): number => Number(process.hrtime.bigint() / 1_000n)

const marked = async (database: BenchDatabase, mark: (nowUs: number) => void): Promise<void> => {
  await resetStatements(database)
  mark(nowUs())
}

/** A process writes its profile when it ends. */
const foldedIn = (folder: string, window: Window): Folded => {
  const [file] = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))
  if (file === undefined) throw new Error(`no profile was written in ${folder}`)
  return foldProfile(parseProfile(readFileSync(join(folder, file), 'utf8')), window)
}

const US_DIGITS = 2

const mapped = (record: Readonly<Record<string, number>>, change: (value: number) => number): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, round(change(value), US_DIGITS)]))

const perStep = (use: StatementUse, steps: number): StatementUse => ({
  statement: use.statement,
  calls: round(use.calls / steps, 4),
  rows: round(use.rows / steps, 3),
  us: round(use.us / steps, US_DIGITS),
  wal_bytes: round(use.wal_bytes / steps, 0),
})
