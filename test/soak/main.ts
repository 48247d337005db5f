/**
 * `npm run soak [-- --rounds N] [--tasks N] [--seed N] [--hold-ms N] [--grace-ms N] [--faults "server killed,worker killed"] [--json]`:
 * faults in a seeded order under steady load. After each the tasks that were open must reach their right results and the log must be sound.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Client } from '@tasker/sdk'
import { Dice } from '../simulation/dice.js'
import { auditLog } from '../support/log-audit.js'
import { PARCEL_ATTEMPTS_MAX, PARCEL_DEPENDENCIES } from '../support/parcel.js'
import { until, within } from '../support/until.js'
import { type FaultKind, FAULTS, Ground } from './ground.js'
import { Load } from './load.js'

const ROUND_MS_MAX = 180_000
/** Of the tasks in flight, those that must be open before the next fault. */
const LOAD_SHARE = 0.8
const SLOTS_A_WORKER = 200
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

interface Round {
  readonly fault: FaultKind
  readonly open_tasks: number
  /** From the fault until what it ended is started again. */
  readonly restarted_ms: number
  /** From the fault to the first result that arrived after it. */
  readonly first_result_ms: number
  /** From the fault until all tasks that were open then had their results. */
  readonly all_results_ms: number
  readonly tasks_in_log: number
  readonly audit_ms: number
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    tasks: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'hold-ms': { type: 'string', default: '100' },
    'grace-ms': { type: 'string', default: '2000' },
    'silence-ms': { type: 'string', default: '4000' },
    faults: { type: 'string', default: FAULTS.join(',') },
    json: { type: 'boolean', default: false },
  },
})

const say = (text: string): void => void process.stderr.write(`${text}\n`)
const seed = Number(values.seed)
const chosen = FAULTS.filter((kind) => values.faults.split(',').includes(kind))

const elapsed = (sinceMs: number): number => Math.round(performance.now() - sinceMs)

const soundLog = async (ground: Ground, load: Load): Promise<number> => {
  const acknowledged = [...load.acknowledged]
  const { problems, tasks } = await auditLog(ground.databaseUrl, {
    dependencies: PARCEL_DEPENDENCIES,
    attemptsMax: PARCEL_ATTEMPTS_MAX,
  })
  const missing = acknowledged.filter((id) => !tasks.has(id))
  const found = [...load.problems, ...problems, ...missing.map((id) => `${id} was acknowledged and is not in the log`)]
  if (found.length > 0) throw new Error(`broken promises:\n  ${found.slice(0, 20).join('\n  ')}`)
  return tasks.size
}

const playRound = async (fault: FaultKind, ground: Ground, load: Load, dice: Dice): Promise<Round> => {
  const struckAt = performance.now()
  let first: Promise<number> | undefined
  let all: Promise<{ readonly open: number; readonly ms: number }> | undefined
  await ground.strike(fault, dice, () => {
    first = load.nextResult().then(() => elapsed(struckAt))
    all = load.openNow().then((open) => ({ open, ms: elapsed(struckAt) }))
  })
  const restartedMs = elapsed(struckAt)
  const firstMs = await first
  const done = await all
  const auditAt = performance.now()
  const tasks = await soundLog(ground, load)
  return {
    fault,
    open_tasks: done?.open ?? 0,
    restarted_ms: restartedMs,
    first_result_ms: firstMs ?? 0,
    all_results_ms: done?.ms ?? 0,
    tasks_in_log: tasks,
    audit_ms: elapsed(auditAt),
  }
}

const soak = async (ground: Ground, load: Load): Promise<readonly Round[]> => {
  const dice = new Dice(seed)
  const rounds: Round[] = []
  load.start()
  for (let n = 1; n <= Number(values.rounds); n++) {
    // Each round strikes in the midst of the load, not at its edge.
    await until('the load is back', ROUND_MS_MAX, async () => (load.open >= Number(values.tasks) * LOAD_SHARE ? true : undefined))
    for (let results = dice.between(1, 50); results > 0; results--) await within('a result', ROUND_MS_MAX, load.nextResult())
    const fault = dice.pick(chosen)
    const round = await within(`round ${n}, ${fault}`, ROUND_MS_MAX, playRound(fault, ground, load, dice))
    rounds.push(round)
    say(
      `round ${n}: ${fault} with ${round.open_tasks} tasks open; started again after ${round.restarted_ms} ms, ` +
        `first result after ${round.first_result_ms} ms, all after ${round.all_results_ms} ms; ${round.tasks_in_log} tasks in a sound log`,
    )
  }
  await within('the results of all open tasks', ROUND_MS_MAX, load.stop())
  await soundLog(ground, load)
  return rounds
}

const report = (rounds: readonly Round[], load: Load, startedAt: number) => ({
  seed,
  rounds: rounds.length,
  tasks_in_flight: Number(values.tasks),
  hold_ms: Number(values['hold-ms']),
  worker_grace_ms: Number(values['grace-ms']),
  worker_silence_ms: Number(values['silence-ms']),
  cpus: availableParallelism(),
  duration_s: Math.round(elapsed(startedAt) / 1_000),
  tasks_completed: load.completed,
  submissions_repeated: load.repeats,
  by_fault: chosen.flatMap((fault) => {
    const mine = rounds.filter((round) => round.fault === fault)
    if (mine.length === 0) return []
    const worst = (of: (round: Round) => number): number => Math.max(...mine.map(of))
    return [
      {
        fault,
        rounds: mine.length,
        restarted_ms_max: worst((round) => round.restarted_ms),
        first_result_ms_max: worst((round) => round.first_result_ms),
        all_results_ms_max: worst((round) => round.all_results_ms),
      },
    ]
  }),
})

if (chosen.length === 0) {
  say(`there is no such fault; there are ${FAULTS.join(', ')}`)
  process.exit(2)
}
say(`seed ${seed}: ${values.rounds} rounds with ${values.tasks} tasks in flight`)
const startedAt = performance.now()
const ground = await Ground.open({
  graceMs: Number(values['grace-ms']),
  silenceMs: Number(values['silence-ms']),
  slots: SLOTS_A_WORKER,
})
const client = new Client({ url: ground.address.grpcUrl, logger: silent, submitTimeout: '10s' })
const load = new Load(client, { inFlight: Number(values.tasks), holdMs: Number(values['hold-ms']) })
try {
  const rounds = await soak(ground, load)
  const figures = report(rounds, load, startedAt)
  process.stdout.write(`${values.json ? JSON.stringify(figures) : JSON.stringify(figures, undefined, 2)}\n`)
  client.close()
  await ground.close()
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  say(`the server's last words:\n${ground.lastWords}`)
  say(`the data is kept in ${await ground.abandon()}; the faults come again with: npm run soak -- --seed ${seed}`)
  process.exit(1)
}
