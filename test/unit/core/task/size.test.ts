import { evolve, instant, type LiveTask, NO_TASK, stateChars, type TaskEvent, type TaskState } from '@tasker/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arbitraryRun, play } from './random-run.js'

const payloadOf = (event: TaskEvent): number => JSON.stringify(event).length

test('the size of a state is never more than the events that made it, and counts what they carried', () => {
  fc.assert(
    fc.property(arbitraryRun, (run) => {
      let state: TaskState = NO_TASK
      let chars = 0
      for (const { events, at } of play(run, {}).commits) {
        for (const event of events) {
          chars += payloadOf(event)
          state = evolve(state, event, at, run.plan)
        }
      }
      if (state.type !== 'task') return
      const size = stateChars(state)
      expect(size).toBeGreaterThanOrEqual(state.submitted.context.length)
      expect(size).toBeGreaterThanOrEqual(outputChars(state))
      // A failure stands in the state as the last one and among those that are remembered; letters repeat what they were told.
      expect(size).toBeLessThanOrEqual(3 * chars)
    }),
  )
})

const outputChars = ({ steps }: LiveTask): number =>
  steps.reduce((sum, step) => sum + ('output' in step ? step.output.length : 0), 0)

test('it does not grow with events that leave nothing behind', () => {
  const [run] = fc.sample(arbitraryRun, { numRuns: 1, seed: 7 })
  if (run === undefined) throw new Error('no run')
  const { state } = play(run, {})
  if (state.type !== 'task') throw new Error('no task')
  expect(stateChars({ ...state, updatedAt: instant(state.updatedAt + 1) })).toBe(stateChars(state))
})
