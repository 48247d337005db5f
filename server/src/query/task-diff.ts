/** Two tasks compared: their states and as much of their histories as a diff looks at. */
import { diffTasks, LIMITS, type RecordedTaskEvent, type Run, type TaskDiff, type TaskId } from '@tasker/core'
import type { Engine, TaskSnapshot } from '../engine/api.js'

const PAGE_EVENTS = 500

export interface ComparedTasks extends TaskDiff {
  /** A history is longer than `LIMITS.diffEventsMax`: its later events are not compared. */
  readonly historyIsCut: boolean
}

/** Both were read before, so that one that is not there has been told. */
export const compareTasks = async (engine: Pick<Engine, 'history'>, a: TaskSnapshot, b: TaskSnapshot): Promise<ComparedTasks> => {
  const [left, right] = [await runOf(engine, a), await runOf(engine, b)]
  const isCut = (task: TaskSnapshot, run: Run): boolean => run.history.length < task.version
  return { ...diffTasks(left, right), historyIsCut: isCut(a, left) || isCut(b, right) }
}

const runOf = async (engine: Pick<Engine, 'history'>, { taskId, version, state }: TaskSnapshot): Promise<Run> => ({
  taskId,
  state,
  history: await historyOf(engine, taskId, Math.min(version, LIMITS.diffEventsMax)),
})

/** As far as the version that the state has: what came meanwhile is not part of it. */
const historyOf = async (
  engine: Pick<Engine, 'history'>,
  taskId: TaskId,
  upTo: number,
): Promise<readonly RecordedTaskEvent[]> => {
  const events: RecordedTaskEvent[] = []
  while (events.length < upTo) {
    const page = await engine.history(taskId, events.length, Math.min(PAGE_EVENTS, upTo - events.length))
    if (page.length === 0) break
    events.push(...page)
  }
  return events
}
