/** What each durable commit adds to the numbers of dead letters: entries opened and resolved, which no event of their own tells. */
import { NO_DEAD_LETTERS } from '@tasker/core'
import type { EngineMetrics } from '../telemetry/metrics.js'
import type { TaskCommit } from './task-stream.js'

/** An entry carries the instants at which it was opened and resolved; `lettersBefore` tells those of an earlier commit of the same instant. */
export const countLetters = (
  { state, lettersBefore }: Pick<TaskCommit, 'state' | 'lettersBefore'>,
  metrics: EngineMetrics,
): void => {
  const { deadLetters } = state
  if (deadLetters === NO_DEAD_LETTERS || deadLetters === lettersBefore) return
  for (const letter of deadLetters.entries) {
    const before = lettersBefore.entries.find(({ entry }) => entry === letter.entry)
    if (before === undefined) metrics.deadLetterOpened(letter.reason)
    if (letter.status !== 'pending' && letter.status !== before?.status) metrics.deadLetterResolved(letter.status)
  }
}
