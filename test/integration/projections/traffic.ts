/** Load that goes on until it is told to stop: tasks are submitted, and lists are read all the time. */
import type { Ground } from './ground.js'

export interface Traffic {
  /** Resolves when the last call was answered. */
  stop(): Promise<TrafficReport>
}

export interface TrafficReport {
  readonly taskIds: ReadonlySet<string>
  readonly listings: number
  /** Calls that failed, and lists that had fewer tasks than an earlier one. */
  readonly problems: readonly string[]
}

/** Each submits the next task when its last one came to a result, or waits for a worker that there is not. */
const SUBMITTERS = 6

/** `first` numbers the tasks, so that two loads on one database are different ones. */
export const startTraffic = (ground: Ground, first = 0): Traffic => {
  const taskIds = new Set<string>()
  const problems: string[] = []
  let listings = 0
  let next = first
  let stopped = false
  const repeat = async (work: () => Promise<void>): Promise<void> => {
    while (!stopped) await work().catch((error: unknown) => problems.push(String(error)))
  }
  const submitOne = async (): Promise<void> => {
    const { taskId, name } = await ground.submit(next++)
    taskIds.add(taskId)
    if (name === 'order') await ground.get(`/v1/tasks/${taskId}/result?wait_seconds=20`)
  }
  let seen = 0
  const listOnce = async (): Promise<void> => {
    const answer = await fetch(`${ground.url}/v1/tasks?limit=500&sort=created_at&order=asc&tag=load`)
    const body: unknown = await answer.json()
    if (answer.status !== 200 || typeof body !== 'object' || body === null || !('tasks' in body) || !Array.isArray(body.tasks))
      throw new Error(`a list answered ${answer.status}: ${JSON.stringify(body)}`)
    if (body.tasks.length < seen) problems.push(`a list had ${body.tasks.length} tasks after one that had ${seen}`)
    seen = Math.max(seen, body.tasks.length)
    listings++
  }
  const work = [...Array.from({ length: SUBMITTERS }, () => repeat(submitOne)), repeat(listOnce)]
  return {
    stop: async () => {
      stopped = true
      await Promise.all(work)
      return { taskIds, listings, problems }
    },
  }
}
