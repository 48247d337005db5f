/** The log in memory as audits read it. */
import type { Partition } from '@tasker/core'
import { type AuditReads, type LinkedCommit, PARTITION_SEALED, type StoredCommit, type StreamRef } from '../port.js'

/** What is written, as it stands now. */
export interface WrittenCommits {
  partition(partition: Partition): readonly StoredCommit[]
  stream(stream: StreamRef): readonly StoredCommit[]
}

export type Paged = <Item>(items: () => readonly Item[]) => AsyncIterable<readonly Item[]>

export const memoryAuditReads = (
  store: WrittenCommits,
  partitionCount: number,
  pages: Paged,
  read: () => void | Promise<void>,
): AuditReads => {
  const above = (partition: Partition, afterSeq: number) => store.partition(partition).slice(afterSeq)
  return {
    partitionCount,
    logId: 'memory',
    tip: (partition) => Promise.resolve(store.partition(partition).length),
    hashes: (partition, afterSeq) =>
      pages(() => above(partition, afterSeq).map((commit) => ({ seq: commit.seq, hash: commit.hash, isSeal: isSeal(commit) }))),
    linked: (partition, afterSeq) => pages(() => above(partition, afterSeq).map((commit) => linkedCommit(commit, store))),
    control: (partition, afterSeq) => pages(() => above(partition, afterSeq).filter(({ stream }) => stream.kind === 'partition')),
    lastSeal: async (partition, belowSeq = Number.POSITIVE_INFINITY) => {
      await read()
      return store.partition(partition).findLast((commit) => commit.seq < belowSeq && isSeal(commit))
    },
  }
}

const isSeal = ({ types }: StoredCommit): boolean => types.length === 1 && types[0] === PARTITION_SEALED

const linkedCommit = (commit: StoredCommit, store: WrittenCommits): LinkedCommit => {
  const previous = store.stream(commit.stream).findLast(({ firstVersion }) => firstVersion < commit.firstVersion)
  return {
    seq: commit.seq,
    hash: commit.hash,
    commit,
    typeCount: commit.types.length,
    previous: previous && {
      partition: previous.partition,
      seq: previous.seq,
      nextVersion: previous.firstVersion + previous.types.length,
      hash: previous.hash,
    },
  }
}
