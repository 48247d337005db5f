/** Tasks put in while nobody works on them, and then done. */
import type { System } from '../system.js'
import { type Plan, report, say } from './say.js'

/** Of a large backlog not each submission is a sample. */
const SAMPLES_MAX = 50_000

export const backlog = async (system: System, { tasks, submitters }: Plan<'backlog'>): Promise<void> => {
  const work = system.backlog()
  const startedAtMs = performance.now()
  const samplesMs: number[] = []
  const sampleEvery = Math.ceil(tasks / SAMPLES_MAX)
  let submitted = 0
  let left = tasks
  say('open submit')
  const submitter = async (): Promise<void> => {
    while (left-- > 0) {
      const sentAtMs = performance.now()
      await work.submit()
      if (++submitted % sampleEvery === 0) samplesMs.push(performance.now() - sentAtMs)
    }
  }
  await Promise.all(Array.from({ length: submitters }, submitter))
  const drainingSinceMs = performance.now()
  say('close submit')
  report('submit', { done: tasks, doneInAll: tasks, elapsedMs: drainingSinceMs - startedAtMs, samplesMs })
  say('open drain')
  await work.begin()
  await work.done()
  say('close drain')
  report('drain', { done: tasks, doneInAll: tasks, elapsedMs: performance.now() - drainingSinceMs, samplesMs: [] })
}
