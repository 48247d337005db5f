/** I39: a worker is told of a journal what the log holds at that place, and nothing that it does not hold yet. */
import { factsOf, type FunctionJournal } from '@tasker/core'
import { wordsOf } from '../durable/told.js'
import type { SeenTask } from '../witness.js'
import type { InvariantOf } from './invariant.js'

export const toldInLogOrder: InvariantOf = (violated, witness) => {
  /** By task and life: the facts of the log in words, as far as they were looked up. */
  const known = new Map<string, readonly string[]>()
  return {
    sent: (sent) => {
      if (sent.type !== 'told') return
      const { ref, life, from, facts } = sent
      const { taskId } = ref
      const key = `${taskId} ${life}`
      const there = known.get(key)
      const inLog = there !== undefined && there.length >= from + facts.length ? there : factsIn(witness.tasks.get(taskId), life)
      known.set(key, inLog)
      facts.forEach((fact, index) => {
        const place = from + index
        if (inLog[place] === fact) return
        violated(
          `I39 ${taskId} is told ${fact} at ${place} of life ${life}, where the log has ${inLog[place] ?? 'nothing'}`,
          taskId,
        )
      })
    },
  }
}

const factsIn = (task: SeenTask | undefined, life: number): readonly string[] => {
  const journal = task?.states.map(({ state }) => state.journal).findLast((each) => each?.life === life)
  return journal === undefined ? [] : wordsIn(journal)
}

const wordsIn = (journal: FunctionJournal): readonly string[] => factsOf(journal).map(({ fact }) => wordsOf(fact))
