/** Tasks submitted at a rate, however long they take. */
import type { System } from '../system.js'
import { type Plan, report, say } from './say.js'

/** How often a paced load looks at what is due. */
const PACE_MS = 2

/** A task counts from the moment it was due: what keeps the load from sending it in time is a delay like any other. */
export const paced = async (system: System, { shape, tasksPerS, warmupMs, ms }: Plan<'paced'>): Promise<void> => {
  const startedAtMs = performance.now()
  const dueInAll = Math.floor((tasksPerS * (warmupMs + ms)) / 1_000)
  const samplesMs: number[] = []
  const running: Promise<void>[] = []
  const run = async (dueAtMs: number): Promise<void> => {
    await system.run(shape)
    if (dueAtMs >= startedAtMs + warmupMs) samplesMs.push(performance.now() - dueAtMs)
  }
  setTimeout(() => say('open run'), warmupMs)
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(dueInAll, Math.floor(((performance.now() - startedAtMs) / 1_000) * tasksPerS))
      while (running.length < due) running.push(run(startedAtMs + (running.length / tasksPerS) * 1_000))
      if (due < dueInAll) return
      clearInterval(timer)
      resolve()
    }, PACE_MS)
  })
  await Promise.all(running)
  say('close run')
  const elapsedMs = performance.now() - startedAtMs - warmupMs
  report('run', { done: samplesMs.length, doneInAll: running.length, elapsedMs, samplesMs })
}
