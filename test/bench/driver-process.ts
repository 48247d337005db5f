/** The load of a bench run, in a process of its own. Where a system's worker is a process of its own, whoever reads `close submit` starts it. */
import { backlog } from './driver/backlog.js'
import { clocked } from './driver/clocked.js'
import { closedLoop } from './driver/closed-loop.js'
import { paced } from './driver/paced.js'
import { timers } from './driver/timers.js'
import { parsePlan } from './driver-plan.js'
import type { Connect } from './system.js'

const plan = parsePlan(process.argv[2] ?? '{}')
// The plan comes from the process that started this one: the module is a system of this folder.
const { connect } = (await import(plan.module)) as { connect: Connect }
const system = await connect({
  url: plan.url,
  shape: plan.shape,
  tasks: plan.type === 'backlog' ? plan.tasks : 0,
  gate: plan.gate,
})
switch (plan.type) {
  case 'closed_loop':
    await closedLoop(system, plan)
    break
  case 'paced':
    await paced(system, plan)
    break
  case 'clocked':
    await clocked(system, plan)
    break
  case 'backlog':
    await backlog(system, plan)
    break
  case 'timers':
    await timers(system, plan)
    break
}
await system.close()
