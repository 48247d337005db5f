/**
 * The load of a bench run, in a process of its own. It prints `open NAME` and `close NAME` around each stretch that is measured, and
 * `NAME {…}` with what it saw. A backlog's worker is started by whoever reads `close submit`.
 */
import { Client, type TaskHandle } from '@tasker/sdk'
import { type DriverPlan, parsePlan, type Stretch } from './driver-plan.js'
import { NAMESPACE } from './shapes.js'

const IN_FLIGHT_MIN = 1_000

type Plan<Type extends DriverPlan['type']> = Extract<DriverPlan, { type: Type }>

const plan = parsePlan(process.argv[2] ?? '{}')
const client = new Client({ url: plan.url, namespace: NAMESPACE, maxInFlight: IN_FLIGHT_MIN })

const submit = (runAt?: Date): Promise<TaskHandle> =>
  client.submit({ name: plan.shape }, {}, runAt === undefined ? {} : { runAt })

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const report = (name: string, stretch: Stretch): void => say(`${name} ${JSON.stringify(stretch)}`)

const closedLoop = async ({ inFlight, warmupMs, until }: Plan<'closed_loop'>): Promise<void> => {
  let phase: 'warmup' | 'window' | 'over' = 'warmup'
  let openedAtMs = 0
  let closedAtMs = 0
  const samplesMs: number[] = []
  const close = (): void => {
    if (phase === 'over') return
    phase = 'over'
    closedAtMs = performance.now()
    say('close run')
  }
  const lane = async (): Promise<void> => {
    while (phase !== 'over') {
      const startedAtMs = performance.now()
      await (await submit()).result()
      if (phase === 'window') samplesMs.push(performance.now() - startedAtMs)
      if ('tasks' in until && samplesMs.length >= until.tasks) close()
    }
  }
  setTimeout(() => {
    phase = 'window'
    openedAtMs = performance.now()
    say('open run')
    if ('ms' in until) setTimeout(close, until.ms)
  }, warmupMs)
  await Promise.all(Array.from({ length: inFlight }, lane))
  report('run', { done: samplesMs.length, elapsedMs: closedAtMs - openedAtMs, samplesMs })
}

const backlog = async ({ tasks, submitters }: Plan<'backlog'>): Promise<void> => {
  const startedAtMs = performance.now()
  const results: Promise<unknown>[] = []
  const samplesMs: number[] = []
  let left = tasks
  say('open submit')
  const submitter = async (): Promise<void> => {
    while (left-- > 0) {
      const sentAtMs = performance.now()
      const handle = await submit()
      samplesMs.push(performance.now() - sentAtMs)
      results.push(handle.result())
    }
  }
  await Promise.all(Array.from({ length: submitters }, submitter))
  say('close submit')
  report('submit', { done: tasks, elapsedMs: performance.now() - startedAtMs, samplesMs })
  const drainingSinceMs = performance.now()
  say('open drain')
  await Promise.all(results)
  say('close drain')
  report('drain', { done: tasks, elapsedMs: performance.now() - drainingSinceMs, samplesMs: [] })
}

const timers = async ({ tasks }: Plan<'timers'>): Promise<void> => {
  const startedAtMs = performance.now()
  say('open run')
  const samplesMs = await Promise.all(Array.from({ length: tasks }, async () => lastNumber(await (await submit()).result())))
  say('close run')
  report('run', { done: tasks, elapsedMs: performance.now() - startedAtMs, samplesMs })
}

/** The result of a task holds one field a last step. */
const lastNumber = (result: unknown): number => {
  const values: readonly unknown[] = typeof result === 'object' && result !== null ? Object.values(result) : []
  const [value] = values
  if (typeof value !== 'number') throw new Error(`a sleep answered ${JSON.stringify(result)}`)
  return value
}

switch (plan.type) {
  case 'closed_loop':
    await closedLoop(plan)
    break
  case 'backlog':
    await backlog(plan)
    break
  case 'timers':
    await timers(plan)
    break
}
client.close()
