/** The load of a bench run, in a process of its own: submits tasks and takes their results, and says on standard output when the window opens and closes. */
import { Client } from '@tasker/sdk'
import { parsePlan } from './driver-plan.js'
import { linear4 } from './linear.js'

const plan = parsePlan(process.argv[2] ?? '{}')
const client = new Client({ url: plan.url, namespace: 'bench', maxInFlight: Math.max(1_000, plan.inFlight) })

let phase: 'warmup' | 'window' | 'over' = 'warmup'
let done = 0
const latenciesMs: number[] = []

const one = async (): Promise<void> => {
  const startedAtMs = performance.now()
  const handle = await client.submit(linear4, {})
  await handle.result()
  if (phase !== 'window') return
  done++
  latenciesMs.push(performance.now() - startedAtMs)
}

const lane = async (): Promise<void> => {
  while (phase !== 'over') {
    await one()
    if (plan.tasks > 0 && done >= plan.tasks) close()
  }
}

let openedAtMs = 0
let closedAtMs = 0
const open = (): void => {
  phase = 'window'
  openedAtMs = performance.now()
  process.stdout.write('open\n')
}
const close = (): void => {
  if (phase === 'over') return
  phase = 'over'
  closedAtMs = performance.now()
  process.stdout.write('close\n')
}

setTimeout(() => {
  open()
  if (plan.tasks === 0) setTimeout(close, plan.windowMs)
}, plan.warmupMs)

await Promise.all(Array.from({ length: plan.inFlight }, lane))
client.close()
process.stdout.write(`${JSON.stringify({ done, elapsedMs: closedAtMs - openedAtMs, latenciesMs })}\n`)
