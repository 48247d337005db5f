/** I40: the code of a function that is replayed on what the log holds of it comes to where its task is, and never to something else. */
import { type LiveTask, outputOf, type TaskId } from '@tasker/core'
import { type FunctionDefinition, replay } from '@tasker/sdk'
import { entryOfWire } from '@tasker/sdk/internal/runner/wire-entries'
import { factsOf } from '@tasker/core'
import { functionRun } from '@tasker/server/internal/grpc/journal-message'
import type { SeenTask } from '../witness.js'
import type { InvariantOf, Violated } from './invariant.js'

export const resultsFollowJournals: InvariantOf = (violated, witness) => ({
  rest: async ({ functions }) => {
    for (const seen of witness.tasks.values()) {
      const { taskId, state, events } = seen
      if (state.type !== 'task' || state.journal === undefined) continue
      if (events.some(({ event }) => event.type === 'function.diverged'))
        violated(`I40 ${taskId} diverged, and its code never changed`, taskId)
      const definition = functions.get(state.submitted.name)
      if (definition !== undefined) await compare(taskId, state, definition, seen, violated)
    }
  },
})

const compare = async (
  taskId: TaskId,
  task: LiveTask,
  definition: FunctionDefinition,
  { events }: SeenTask,
  violated: Violated,
): Promise<void> => {
  const replayed = await replayedOn(taskId, task, definition)
  const completed = events.find(({ event }) => event.type === 'step.completed')
  if (completed === undefined) {
    // What ended is nobody's sleep: its run has yet to say so, or failed, or was cancelled.
    if (replayed.type === 'failed') violated(`I40 ${taskId} cannot be replayed: ${replayed.why}`, taskId)
    return
  }
  const output = outputOf(task, 0)
  const result = replayed.type === 'ended' && replayed.end.type === 'returned' ? replayed.end.result : JSON.stringify(replayed)
  if (result !== output) violated(`I40 ${taskId} has the result ${output}; its code makes ${result} of its journal`, taskId)
}

type Replay = Awaited<ReturnType<typeof replay>> | { readonly type: 'failed'; readonly why: string }

const replayedOn = async (taskId: TaskId, task: LiveTask, definition: FunctionDefinition): Promise<Replay> => {
  const { journal } = task
  if (journal === undefined) return { type: 'failed', why: 'it has no journal' }
  const run = functionRun(task, { from: 0, links: factsOf(journal) })
  const entries = run?.entries.map((entry) => entryOfWire(entry, () => undefined)) ?? []
  const { life, beganAt: startedAt } = journal
  const input: unknown = JSON.parse(journal.input)
  try {
    return await replay({ taskId, startedAt, life, input, journal: entries }, definition)
  } catch (error) {
    return { type: 'failed', why: String(error) }
  }
}
