/** I20: a blocked task holds up only steps that wait for a failure: nothing that could begin was left behind. */
import { isTerminal, type LiveTask, type TaskId } from '@tasker/core'
import { eachEvent, type InvariantOf, stepNamed, type Violated } from './invariant.js'

export const onlyWhatWaitsIsHeld: InvariantOf = (violated, witness) => ({
  ...eachEvent(
    () => undefined,
    ({ event, after, taskId }) => (event.type === 'task.blocked' ? look(taskId, after, violated) : undefined),
  ),
  rest: () => {
    for (const { taskId, state } of witness.tasks.values())
      if (state.type === 'task' && !isTerminal(state.phase)) look(taskId, state, violated)
  },
})

const OUT_OF_THE_WAY: ReadonlySet<string> = new Set(['complete', 'skipped', 'not_taken', 'resolved_manually'])

const look = (taskId: TaskId, task: LiveTask, violated: Violated): void => {
  if (task.phase !== 'blocked') return
  task.graph.steps.forEach(({ name, dependencies }, index) => {
    if (task.steps[index]?.status !== 'pending') return
    const held = dependencies.some((dependency) => !OUT_OF_THE_WAY.has(stepNamed(task, dependency)?.status ?? ''))
    if (!held) violated(`I20 ${name} of ${taskId} waits for nothing and was left behind`, taskId)
  })
}
