/** I43: a task of a schedule is of a firing that the log held before, and there is one of each; at rest each firing has its task, and knows how it ended. */
import { isTerminal, taskIdTime, type TaskId } from '@tasker/core'
import { type InvariantOf, eachEvent } from './invariant.js'

export const firingsHaveTasks: InvariantOf = (violated, witness) => {
  const fired = new Set<string>()
  const tasks = new Map<string, TaskId>()
  const submitted = eachEvent(
    () => undefined,
    ({ event, taskId }) => {
      if (event.type !== 'task.submitted' || !event.correlationId.startsWith('schedule/')) return
      const firing = event.correlationId
      if (!fired.has(firing)) violated(`I43 ${taskId} begins for ${firing}, which the log has not fired`, taskId)
      if (tasks.has(firing)) violated(`I43 ${firing} has two tasks: ${tasks.get(firing)} and ${taskId}`, taskId)
      tasks.set(firing, taskId)
    },
  )
  return {
    commit: (commit) => {
      const { schedule } = commit
      for (const event of schedule?.events ?? []) {
        if (event.type === 'schedule.fired') fired.add(`schedule/${schedule?.name}/${schedule?.state.generation}/${event.firing}`)
        if (event.type === 'schedule.task_started' && taskIdTime(event.taskId) > (schedule?.at ?? 0))
          violated(`I43 the schedule ${schedule?.name} has a task of the future`, event.taskId)
      }
      submitted.commit?.(commit)
    },
    rest: () => {
      for (const [id, { state }] of witness.schedules) {
        for (const { id: firing, taskId } of state.live?.firings ?? []) {
          const task = taskId === undefined ? undefined : witness.tasks.get(taskId)?.state
          if (task?.type === 'task' && !isTerminal(task.phase) && task.phase !== 'blocked') continue
          violated(`I43 the schedule ${id} does not know how ${firing} ended: its task is ${taskId ?? 'not there'}`, taskId)
        }
      }
      for (const firing of fired) {
        const name = firing.split('/')[1] ?? ''
        if (
          !tasks.has(firing) &&
          witness.schedules.get(`sim/${name}`)?.state.live !== undefined &&
          isOfNow(firing, name, witness)
        )
          violated(`I43 ${firing} was fired, and has no task`)
      }
    },
  }
}

/** A schedule that was deleted takes with it what it had not begun. */
const isOfNow = (firing: string, name: string, witness: Parameters<InvariantOf>[1]): boolean =>
  firing.startsWith(`schedule/${name}/${witness.schedules.get(`sim/${name}`)?.state.generation}/`)
