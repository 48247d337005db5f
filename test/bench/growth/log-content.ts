/** What a log is filled with: the commits of one real task, copied as other tasks. */
import { type Partition, partitionNumber } from '@tasker/core'
import { commitHash } from '@tasker/server/internal/log/commit-hash'
import type { CommitDraft, SequencedCommit } from '@tasker/server/internal/log/port'
import { openPostgresLog } from '@tasker/server/internal/log/postgres/postgres-log'
import { measure } from '../measure.js'
import { startTasker } from '../tasker-stage.js'

/** As many as a server has by default. */
export const PARTITIONS = 16
export const ALL_PARTITIONS: readonly Partition[] = Array.from({ length: PARTITIONS }, (_, number) => partitionNumber(number))

/** The commits of a task of four steps that a server and a worker have just done. */
export const historyOfOneTask = async (): Promise<readonly CommitDraft[]> => {
  const stage = await startTasker(['linear_4'])
  try {
    await measure(stage, { type: 'closed_loop', shape: 'linear_4', inFlight: 1, warmupMs: 0, until: { tasks: 1 } })
    const log = await openPostgresLog({ url: stage.database.url, partitionCount: PARTITIONS })
    try {
      for await (const page of log.readKind('task')) {
        const id = page[0]?.stream.id
        const commits = page.filter(({ stream }) => stream.id === id)
        if (commits.at(-1)?.types.includes('task.completed') === true) return commits
      }
    } finally {
      await log.close()
    }
  } finally {
    await stage.stop()
  }
  throw new Error('no task was completed')
}

export interface Batch {
  readonly ids: readonly string[]
  /** First the first commits of all the tasks, then the second ones, and so on. */
  readonly batches: readonly (readonly SequencedCommit[])[]
}

const SEED = 0x9e3779b9
const ID_CHARS = 26

/** Copies that are the same in every run. */
export const copies = (history: readonly CommitDraft[]) => {
  const draw = dice(SEED)
  const seqs = new Map<Partition, number>()
  let copied = 0
  const place = (partition: Partition): number => {
    const seq = (seqs.get(partition) ?? 0) + 1
    seqs.set(partition, seq)
    return seq
  }
  return {
    drawn: (below: number): number => Math.floor(draw() * below),
    next: (tasks: number): Batch => {
      const made = Array.from({ length: tasks }, () => {
        const partition = ALL_PARTITIONS[copied % PARTITIONS] ?? partitionNumber(0)
        return {
          id: (copied++).toString(32).toUpperCase().padStart(ID_CHARS, '0'),
          partition,
          hash: undefined as Buffer | undefined,
        }
      })
      const batches = history.map((commit) =>
        made.map((task): SequencedCommit => {
          const content = { ...commit, stream: { kind: commit.stream.kind, id: task.id }, partition: task.partition }
          task.hash = commitHash(content, task.hash)
          return { seq: place(task.partition), commit: { ...content, hash: task.hash } }
        }),
      )
      return { ids: made.map(({ id }) => id), batches }
    },
  }
}

/** Mulberry32: numbers from 0 to 1, the same for the same seed. */
const dice = (seed: number) => {
  let state = seed
  return (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
