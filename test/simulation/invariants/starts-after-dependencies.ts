/** I4: no step starts before what it depends on is satisfied. */
import { batchOf, type LiveTask, type StepId, type TaskEvent } from '@tasker/core'
import { eachEvent, type EventOfTask, type InvariantOf, isDone, stepNamed } from './invariant.js'

interface Kept {
  /** Steps with which whoever waits for them is content. */
  readonly satisfied: Set<string>
  /** Steps that failed where nobody waits for them. */
  readonly goneWithout: Set<string>
}

export const startsAfterDependencies: InvariantOf = (violated) =>
  eachEvent<Kept>(
    () => ({ satisfied: new Set(), goneWithout: new Set() }),
    (seen, kept) => {
      // What starts after that is a way back.
      if (seen.takingBack) return
      const { event, after, taskId } = seen
      note(event, after, kept)
      if (event.type !== 'step.started') return
      const wrong = startedEarly(seen, event.step, kept)
      if (wrong !== undefined) violated(`I4 ${event.step} of ${taskId} ${wrong}`, taskId)
    },
  )

const note = (event: TaskEvent, after: LiveTask, { satisfied, goneWithout }: Kept): void => {
  if (isDone(event) || event.type === 'step.skipped' || event.type === 'step.resolved_manually') satisfied.add(event.step)
  // Nobody waits for what was not taken, nor for a worker that failed where its batch goes on.
  if (event.type === 'steps.created' && event.segment === 'decision') for (const name of event.notTaken) satisfied.add(name)
  const failed = (event.type === 'step.failed' || event.type === 'step.timed_out') && event.permanent
  if (failed && goesOnWithout(after, event.step)) goneWithout.add(event.step)
}

const startedEarly = ({ after }: EventOfTask, step: StepId, { satisfied, goneWithout }: Kept): string | undefined => {
  const spec = after.graph.steps[after.graph.indexOf.get(step) ?? -1]
  if (spec === undefined) return 'is no step and started'
  if (spec.join !== 'all') {
    const enough = spec.dependencies.filter((name) => satisfied.has(name)).length
    return enough < spec.join ? `started with ${enough} of ${spec.join} before it` : undefined
  }
  const missing = spec.dependencies.filter(
    // What a person closed opens nothing, and no event names what is not taken then.
    (name) => !satisfied.has(name) && !goneWithout.has(name) && stepNamed(after, name)?.status !== 'not_taken',
  )
  return missing.length > 0 ? `started before ${missing.join(', ')}` : undefined
}

const goesOnWithout = (task: LiveTask, step: StepId): boolean => {
  const index = task.graph.indexOf.get(step) ?? -1
  return batchOf(task, index)?.spec.failureStrategy === 'continue_on_failure' || task.graph.steps[index]?.onFailure === 'continue'
}
