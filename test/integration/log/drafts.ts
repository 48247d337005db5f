/** Commits for tests of the log, linked as real ones are. */
import { instant, partitionNumber, type Partition } from '@tasker/core'
import { commitHash, NO_PREVIOUS_HASH } from '@tasker/server/internal/log/commit-hash'
import type { CommitDraft, SequencedCommit, StoredCommit, StreamRef } from '@tasker/server/internal/log/port'

export const P0: Partition = partitionNumber(0)
export const P1: Partition = partitionNumber(1)

export const task = (id: string): StreamRef => ({ kind: 'task', id })

export interface DraftParts {
  readonly stream?: StreamRef
  readonly partition?: Partition
  readonly firstVersion?: number
  readonly types?: readonly string[]
  readonly text?: string
  readonly previous?: Buffer
  readonly worker?: string | undefined
}

export const draft = (parts: DraftParts = {}): CommitDraft => {
  const content = {
    stream: parts.stream ?? task('a'),
    partition: parts.partition ?? P0,
    firstVersion: parts.firstVersion ?? 1,
    namespace: 'shop',
    at: instant(1_700_000_000_000),
    actor: 'tester',
    worker: parts.worker,
    cause: 'submit 01J',
    types: parts.types ?? ['step.scheduled'],
    text: parts.text ?? '[{"step":"a","attempt":1}]',
  }
  return { ...content, hash: commitHash(content, parts.previous ?? NO_PREVIOUS_HASH) }
}

/** Rows with places from a number on. */
export const rowsFrom = (seq: number, ...drafts: readonly CommitDraft[]): SequencedCommit[] =>
  drafts.map((commit, index) => ({ seq: seq + index, commit }))

export const allOf = async (pages: AsyncIterable<readonly StoredCommit[]>): Promise<StoredCommit[]> => {
  const commits: StoredCommit[] = []
  for await (const page of pages) commits.push(...page)
  return commits
}
