/** So many tasks in flight all the time: each lane submits its next one when it has the result of the last. */
import type { System } from '../system.js'
import { type Plan, report, say } from './say.js'

export const closedLoop = async (system: System, plan: Plan<'closed_loop'>): Promise<void> => {
  const { shape, inFlight, warmupMs, until } = plan
  const input = plan.inputBytes === undefined ? undefined : inputOf(plan.inputBytes)
  let phase: 'warmup' | 'window' | 'over' = 'warmup'
  let openedAtMs = 0
  let closedAtMs = 0
  let doneInAll = 0
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
      await system.run(shape, input)
      doneInAll++
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
  report('run', { done: samplesMs.length, doneInAll, elapsedMs: closedAtMs - openedAtMs, samplesMs })
}

/** As JSON it has that many bytes, within a few. */
const inputOf = (bytes: number): object => ({ text: 'x'.repeat(Math.max(0, bytes - JSON.stringify({ text: '' }).length)) })
