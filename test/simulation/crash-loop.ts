/** A fixed workload without any fault but one: its server dies in the n-th call of a port, before the effect of the call or after it. */
import { durationMs } from '@tasker/core'
import { drawBranchedTemplate } from './branched-work.js'
import type { CrashAtCall } from './crash-points.js'
import { Dice } from './dice.js'
import { drawFailingTemplate } from './failing-work.js'
import type { RunReport } from './run-report.js'
import { drawTemplate, withKeys, withTimes } from './workload.js'
import { World } from './world.js'

type FixedReport = Pick<RunReport, 'replay' | 'violations' | 'trace'>

/** Seeds whose templates have a bit of everything: a decision and a batch, keys and rates, times, ways back, domain events. */
const SEED = 4
const WORKERS = 2
/** When its tasks come, after its start. */
const SUBMIT_EVERY_MS = 400

export const runWithCrash = async (crash: CrashAtCall): Promise<FixedReport> => {
  const dice = (n: number): Dice => new Dice(SEED + n * 1_000_003)
  const world = new World({
    dice: { world: dice(0), events: dice(1), choices: dice(2), operators: dice(3), network: dice(4), crashes: dice(5) },
    crashes: () => crash,
    readyWindowMax: 1,
    bug: undefined,
    isNetworked: true,
    // Some steps need a second attempt, so that there are timers to lose.
    fails: ({ attempt, stepIndex }) => attempt === 1 && stepIndex % 3 === 1,
  })
  const { clock } = world
  world.servers.start()
  await world.register(withTimes(withKeys(drawTemplate(dice(6), 't0', dice(7)), dice(8)), dice(9)))
  await world.register(drawBranchedTemplate(dice(10), 'b0'))
  await world.register(drawFailingTemplate(dice(11), 'f0'))
  for (let n = 0; n < WORKERS; n++) world.addWorker()
  world.templates.forEach((name, n) => {
    clock.after(durationMs(SUBMIT_EVERY_MS * n), () =>
      world.clients.submit(name, n === 0 ? 'a key' : undefined, {
        letsGo: false,
        waitMs: undefined,
        taken: (taskId) => {
          if (n === 0) world.clients.order(taskId, { type: 'pause', by: 'operator', reason: 'for the test' })
          if (n === 2) clock.after(durationMs(SUBMIT_EVERY_MS), () => world.clients.cancel(taskId))
        },
      }),
    )
  })
  await world.pass(SUBMIT_EVERY_MS * world.templates.length)
  await world.calm()
  await world.judge()
  return {
    replay: `--crash-at ${crash.number} --moment ${crash.moment}`,
    violations: world.checking.violations,
    trace: world.trace,
  }
}
