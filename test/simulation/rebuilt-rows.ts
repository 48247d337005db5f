/** The rows of the log, built anew commit by commit: what the rows that servers wrote must be, at the same checkpoints. */
import { activityRows, deadLetterRows, type Partition, readyRows, taskRow, timerRows } from '@tasker/core'
import { scopeOfTask } from '@tasker/server/internal/engine/identity'
import { memoryStore, type MemoryStore } from '@tasker/server/internal/projections/memory-store'
import type { IdentityRow, ProjectionBatch } from '@tasker/server/internal/projections/port'
import type { SeenCommit } from './witness.js'

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

const rowsOf = ({ stored, task, key }: SeenCommit): ProjectionBatch => ({
  checkpoints: [{ partition: stored.partition, from: stored.seq - 1, to: stored.seq }],
  tasks: task === undefined ? [] : [taskRow(task.taskId, task.after, stored.firstVersion + stored.types.length - 1)],
  cleared: task === undefined ? [] : [task.taskId],
  ready: task === undefined ? [] : readyRows(task.taskId, task.after),
  timers: task === undefined ? [] : timerRows(task.taskId, task.after),
  deadLetters: task === undefined ? [] : deadLetterRows(task.taskId, task.after),
  identities: identitiesOf(task),
  activity:
    task === undefined
      ? []
      : activityRows(
          task.events.map(({ event }) => event),
          stored.at,
          task.after,
        ),
  keys: key === undefined ? [] : [{ namespace: key.namespace, queue: key.queue, streamVersion: key.version, state: key.state }],
})

const identitiesOf = (task: SeenCommit['task']): readonly IdentityRow[] =>
  (task?.events ?? []).flatMap(({ event }) => {
    const scope = event.type === 'task.submitted' ? scopeOfTask(event) : undefined
    return scope === undefined || task === undefined ? [] : [{ scope, taskId: task.taskId }]
  })
