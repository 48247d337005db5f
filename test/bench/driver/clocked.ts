/** One task at a time whose result says when its steps began. */
import type { System } from '../system.js'
import { answerOf } from './answer.js'
import { type Plan, report, say } from './say.js'

/** The samples are the milliseconds at which each step of each task began, task by task. */
export const clocked = async (system: System, { shape, tasks, warmupTasks }: Plan<'clocked'>): Promise<void> => {
  for (let task = 0; task < warmupTasks; task++) await system.run(shape)
  const startedAtMs = performance.now()
  const samplesMs: number[] = []
  say('open run')
  for (let task = 0; task < tasks; task++) samplesMs.push(...timesOf(await system.run(shape)))
  say('close run')
  report('run', { done: tasks, doneInAll: tasks + warmupTasks, elapsedMs: performance.now() - startedAtMs, samplesMs })
}

const timesOf = (result: unknown): readonly number[] => {
  const times = answerOf(result)
  if (!Array.isArray(times)) throw new Error(`a clock answered ${JSON.stringify(result)}`)
  return times.map(Number)
}
