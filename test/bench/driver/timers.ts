/** Tasks submitted all at once, each of which sleeps. */
import type { System } from '../system.js'
import { answerOf } from './answer.js'
import { type Plan, report, say } from './say.js'

/** Tasks in flight of a warm-up. */
const WARMUP_LANES = 200

const warmUp = async (system: System, ms: number): Promise<number> => {
  const untilMs = performance.now() + ms
  let done = 0
  const lane = async (): Promise<void> => {
    for (; performance.now() < untilMs; done++) await system.run('single')
  }
  await Promise.all(Array.from({ length: WARMUP_LANES }, lane))
  return done
}

export const timers = async (system: System, { shape, tasks, warmupMs }: Plan<'timers'>): Promise<void> => {
  const warmedUp = await warmUp(system, warmupMs)
  const startedAtMs = performance.now()
  say('open run')
  const samplesMs = await Promise.all(Array.from({ length: tasks }, async () => latenessOf(await system.run(shape))))
  say('close run')
  report('run', { done: tasks, doneInAll: tasks + warmedUp, elapsedMs: performance.now() - startedAtMs, samplesMs })
}

/** By how many milliseconds a sleep was late. */
const latenessOf = (result: unknown): number => {
  const value = answerOf(result)
  if (typeof value !== 'number') throw new Error(`a sleep answered ${JSON.stringify(result)}`)
  return value
}
