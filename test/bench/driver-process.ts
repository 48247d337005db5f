/**
 * The load of a bench run, in a process of its own. It prints `open NAME` and `close NAME` around each stretch that is measured, and
 * `NAME {…}` with what it saw. Where a system's worker is a process of its own, whoever reads `close submit` starts it.
 */
import { type DriverPlan, parsePlan, type Stretch } from './driver-plan.js'
import type { Connect, System } from './system.js'

type Plan<Type extends DriverPlan['type']> = Extract<DriverPlan, { type: Type }>

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const report = (name: string, stretch: Stretch): void => say(`${name} ${JSON.stringify(stretch)}`)

const closedLoop = async (system: System, { shape, inFlight, warmupMs, until }: Plan<'closed_loop'>): Promise<void> => {
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
      await system.run(shape)
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

const backlog = async (system: System, { tasks, submitters }: Plan<'backlog'>): Promise<void> => {
  const work = system.backlog()
  const startedAtMs = performance.now()
  const samplesMs: number[] = []
  let left = tasks
  say('open submit')
  const submitter = async (): Promise<void> => {
    while (left-- > 0) {
      const sentAtMs = performance.now()
      await work.submit()
      samplesMs.push(performance.now() - sentAtMs)
    }
  }
  await Promise.all(Array.from({ length: submitters }, submitter))
  const drainingSinceMs = performance.now()
  say('close submit')
  report('submit', { done: tasks, elapsedMs: drainingSinceMs - startedAtMs, samplesMs })
  say('open drain')
  await work.begin()
  await work.done()
  say('close drain')
  report('drain', { done: tasks, elapsedMs: performance.now() - drainingSinceMs, samplesMs: [] })
}

/** Tasks in flight of a warm-up. */
const WARMUP_LANES = 200

const warmUp = async (system: System, ms: number): Promise<void> => {
  const untilMs = performance.now() + ms
  const lane = async (): Promise<void> => {
    while (performance.now() < untilMs) await system.run('single')
  }
  await Promise.all(Array.from({ length: WARMUP_LANES }, lane))
}

const timers = async (system: System, { shape, tasks, warmupMs }: Plan<'timers'>): Promise<void> => {
  await warmUp(system, warmupMs)
  const startedAtMs = performance.now()
  say('open run')
  const samplesMs = await Promise.all(Array.from({ length: tasks }, async () => latenessOf(await system.run(shape))))
  say('close run')
  report('run', { done: tasks, elapsedMs: performance.now() - startedAtMs, samplesMs })
}

/** What a sleep answers, by itself or as the one field of a task's result: by how many milliseconds it was late. */
const latenessOf = (result: unknown): number => {
  const values: readonly unknown[] = typeof result === 'object' && result !== null ? Object.values(result) : [result]
  const [value] = values
  if (typeof value !== 'number') throw new Error(`a sleep answered ${JSON.stringify(result)}`)
  return value
}

const plan = parsePlan(process.argv[2] ?? '{}')
// The plan comes from the process that started this one: the module is a system of this folder.
const { connect } = (await import(plan.module)) as { connect: Connect }
const system = await connect({
  url: plan.url,
  shape: plan.shape,
  tasks: plan.type === 'closed_loop' ? 0 : plan.tasks,
  gate: plan.gate,
})
switch (plan.type) {
  case 'closed_loop':
    await closedLoop(system, plan)
    break
  case 'backlog':
    await backlog(system, plan)
    break
  case 'timers':
    await timers(system, plan)
    break
}
await system.close()
