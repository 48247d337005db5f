/** Profiles workloads: the stacks of server and worker, what PostgreSQL did, and the budget of a step. */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Form, Say } from '../form.js'
import { measure } from '../measure.js'
import { type BenchDatabase, newFolder } from '../parts.js'
import { round } from '../statistics.js'
import { SHAPES } from '../shapes.js'
import { startTasker } from '../tasker-stage.js'
import { shortened } from '../workload-size.js'
import { type Load, WORKLOADS } from '../workloads.js'
import { budgetOf } from './budget.js'
import { type Folded, foldProfile, parseProfile, type Window } from './cpu-profile.js'
import { barText, flameOf } from './flame.js'
import { COUNTED, resetStatements, statementsOf, type StatementUse } from './statements.js'

export interface Profiled {
  readonly steps: number
  /** CPU by process, in microseconds a step. */
  readonly cpu_us_per_step: Readonly<Record<string, number>>
  /** Wall time of the server's main thread while it was not idle, in microseconds a step. */
  readonly budget_us_per_step: Readonly<Record<string, number>>
  readonly statements: readonly StatementUse[]
  /** Bars of a flame, a line each. */
  readonly server: readonly string[]
  readonly worker: readonly string[]
}

/** Chains of steps, timers, durable functions. */
const PROFILED = ['W1', 'W6', 'W7'] as const

const SAMPLED_EVERY_US = 500
const US_PER_S = 1_000_000

const profiledBy = (folder: string): readonly string[] => [
  '--cpu-prof',
  `--cpu-prof-dir=${folder}`,
  `--cpu-prof-interval=${SAMPLED_EVERY_US}`,
]

export const playProfiles = async (form: Form, say: Say): Promise<Readonly<Record<string, Profiled>>> => {
  const profiles: Record<string, Profiled> = {}
  for (const name of PROFILED) {
    const workload = WORKLOADS[name]
    if (workload === undefined) throw new Error(`there is no workload ${name}`)
    profiles[name] = await profileOf(form === 'short' ? shortened(workload.load) : workload.load)
    say(`${name}: ${profiles[name].steps} steps, ${JSON.stringify(profiles[name].budget_us_per_step)}`)
  }
  return profiles
}

const profileOf = async (load: Load): Promise<Profiled> => {
  const folder = newFolder()
  const [serverFolder, workerFolder] = [join(folder, 'server'), join(folder, 'worker')]
  try {
    const stage = await startTasker([load.shape, 'single'], {
      serverNodeArgs: profiledBy(serverFolder),
      workerNodeArgs: profiledBy(workerFolder),
      parameters: COUNTED,
    })
    const window = { fromUs: 0, toUs: 0 }
    let statements: readonly StatementUse[] = []
    let run: Awaited<ReturnType<typeof measure>>
    try {
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
    if (!('tasks' in run)) throw new Error(`a load of type ${load.type} has no steps to divide by`)
    const steps = run.tasks * SHAPES[load.shape].steps
    const server = foldedIn(serverFolder, window)
    return {
      steps,
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
