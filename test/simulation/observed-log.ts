/** The memory log with somebody who looks on: each commit is shown in the moment it is durable, with the server that wrote it. */
import { z } from 'zod'
import type { EventLog, StoredCommit } from '@tasker/server/internal/log/port'
import { type MemoryLog, memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { PARTITION_ACQUIRED } from '@tasker/server/internal/log/partition-codec'

type Seen = (commit: StoredCommit, writers: ReadonlySet<string>) => void

export class ObservedLog {
  readonly #log: MemoryLog
  readonly #seen: Seen
  /** By hash: who offered the commit to the log. */
  readonly #writers = new Map<string, Set<string>>()
  #shown = 0

  constructor(partitionCount: number, seen: Seen) {
    this.#log = memoryLog({ partitionCount })
    this.#seen = seen
  }

  /** The log as one server writes to it. */
  as(writer: string): EventLog {
    const log = this.#log
    return {
      ...log,
      append: async (rows) => {
        for (const { commit } of rows) this.#offered(commit.hash.toString('hex'), writer)
        const result = await log.append(rows)
        this.#show()
        return result
      },
      acquire: async (partition, node, at) => {
        const ownership = await log.acquire(partition, node, at)
        this.#show()
        return ownership
      },
    }
  }

  #offered(hash: string, writer: string): void {
    const writers = this.#writers.get(hash)
    if (writers === undefined) this.#writers.set(hash, new Set([writer]))
    else writers.add(writer)
  }

  #show(): void {
    const written = this.#log.written()
    for (let commit = written[this.#shown]; commit !== undefined; commit = written[this.#shown]) {
      this.#shown++
      const offered = this.#writers.get(commit.hash.toString('hex'))
      // A commit that takes a partition is made by the log itself, and names its server.
      this.#seen(commit, offered ?? new Set(commit.types.includes(PARTITION_ACQUIRED) ? nodesIn(commit) : []))
    }
  }
}

const nodesIn = ({ text }: StoredCommit): readonly string[] =>
  z
    .array(z.looseObject({ node: z.string().optional() }))
    .parse(JSON.parse(text))
    .flatMap(({ node }) => node ?? [])
