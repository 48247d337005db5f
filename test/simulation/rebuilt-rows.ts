/** The rows of the log, built anew commit by commit: what the rows that servers wrote must be, at the same checkpoints. */
import { activityRows, deadLetterRows, type Partition, readyRows, taskRow, timerRows } from '@tasker/core'
import { scopeOfTask } from '@tasker/server/internal/engine/identity'
import type { StoredCommit } from '@tasker/server/internal/log/port'
import { memoryStore, type MemoryStore } from '@tasker/server/internal/projections/memory-store'
import type { IdentityRow, ProjectionBatch } from '@tasker/server/internal/projections/port'
import type { SeenCommit, TaskPart } from './witness.js'

export class RebuiltRows {
  readonly #store: MemoryStore = memoryStore()
  /** Commits that are not in the rows yet, by partition. */
  readonly #ahead = new Map<Partition, SeenCommit[]>()

  see(commit: SeenCommit): void {
    const list = this.#ahead.get(commit.stored.partition)
    if (list === undefined) this.#ahead.set(commit.stored.partition, [commit])
    else list.push(commit)
  }

  /** The rows of all commits up to the checkpoints; they never go back. */
  async upTo(checkpoints: ReadonlyMap<Partition, number>): Promise<ReturnType<MemoryStore['dump']>> {
    for (const [partition, to] of checkpoints) {
      const ahead = this.#ahead.get(partition) ?? []
      const count = ahead.findIndex(({ stored }) => stored.seq > to)
      for (const commit of ahead.splice(0, count === -1 ? ahead.length : count)) await this.#store.write(rowsOf(commit))
    }
    return this.#store.dump()
  }
}

/** A batch that writes nothing but its checkpoints. */
export const NO_ROWS: Omit<ProjectionBatch, 'checkpoints'> = {
  tasks: [],
  cleared: [],
  ready: [],
  timers: [],
  deadLetters: [],
  identities: [],
  activity: [],
  keys: [],
  schedules: [],
  snapshots: [],
  removed: [],
}

const rowsOf = ({ stored, task, key, schedule }: SeenCommit): ProjectionBatch => ({
  ...NO_ROWS,
  ...(task === undefined ? {} : rowsOfTask(task, stored)),
  ...(key === undefined
    ? {}
    : { keys: [{ namespace: key.namespace, queue: key.queue, streamVersion: key.version, state: key.state }] }),
  ...(schedule === undefined
    ? {}
    : {
        schedules: [
          { namespace: schedule.namespace, name: schedule.name, streamVersion: schedule.version, state: schedule.state },
        ],
      }),
  checkpoints: [{ partition: stored.partition, from: stored.seq - 1, to: stored.seq }],
})

const rowsOfTask = (task: TaskPart, { firstVersion, types, at }: StoredCommit): Partial<ProjectionBatch> => {
  const { taskId, after } = task
  return {
    tasks: [taskRow(taskId, after, firstVersion + types.length - 1)],
    cleared: [taskId],
    ready: readyRows(taskId, after),
    timers: timerRows(taskId, after),
    deadLetters: deadLetterRows(taskId, after),
    identities: identitiesOf(task),
    activity: activityRows(
      task.events.map(({ event }) => event),
      at,
      after,
    ),
  }
}

const identitiesOf = ({ taskId, events }: TaskPart): readonly IdentityRow[] =>
  events.flatMap(({ event }) => {
    const scope = event.type === 'task.submitted' ? scopeOfTask(event) : undefined
    return scope === undefined ? [] : [{ scope, taskId }]
  })
