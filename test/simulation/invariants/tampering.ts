/** A whole history made wrong in one way, so that an invariant can be seen to notice. */
import type { LiveTask, TaskEvent } from '@tasker/core'
import type { SeenCommit, TaskPart } from '../witness.js'

export type Tamper = (commits: readonly SeenCommit[]) => readonly SeenCommit[]

/** What is asked of an event: with the task around it, and whether its task takes back by then. */
type Asked = (event: TaskEvent, task: TaskPart, takingBack: boolean) => boolean

/** Of each commit of a task, other events. */
const withEvents =
  (change: (event: TaskEvent, task: TaskPart, takingBack: boolean) => readonly TaskEvent[]): Tamper =>
  (commits) => {
    const takingBack = new Set<string>()
    return commits.map((commit) => {
      const { task } = commit
      if (task === undefined) return commit
      const events = task.events.flatMap((recorded) => {
        if (recorded.event.type === 'compensation.started') takingBack.add(task.taskId)
        return change(recorded.event, task, takingBack.has(task.taskId)).map((event) => ({ ...recorded, event }))
      })
      return { ...commit, task: { ...task, events }, decoded: { taskId: task.taskId, events } }
    })
  }

/** Events that are not there. */
export const without = (asked: Asked): Tamper => withEvents((...event) => (asked(...event) ? [] : [event[0]]))

/** Events that stand there so many times. */
export const repeated = (asked: Asked, times: number): Tamper =>
  withEvents((...event) => Array.from({ length: asked(...event) ? times : 1 }, () => event[0]))

/** An event behind another. */
export const followed = (by: (event: TaskEvent) => TaskEvent | undefined): Tamper =>
  withEvents((event) => {
    const next = by(event)
    return next === undefined ? [event] : [event, next]
  })

/** Another task after the commits that hold such an event. */
export const withAfter =
  (asked: (event: TaskEvent) => boolean, change: (after: LiveTask, before: LiveTask) => LiveTask): Tamper =>
  (commits) =>
    commits.map((commit) => {
      const { task } = commit
      if (task?.before.type !== 'task' || !task.events.some(({ event }) => asked(event))) return commit
      return { ...commit, task: { ...task, after: change(task.after, task.before) } }
    })
