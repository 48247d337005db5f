import { instant, partitionNumber } from '@tasker/core'
import { commitHash, verifyChain } from '@tasker/server/internal/log/commit-hash'
import type { CommitDraft, SequencedCommit } from '@tasker/server/internal/log/port'
import { expect, test } from 'vitest'
import { copies, PARTITIONS } from '../../bench/growth/log-content.js'

const commit = (firstVersion: number, types: readonly string[], previous?: CommitDraft): CommitDraft => {
  const content = {
    stream: { kind: 'task', id: '01J0000000000000000000TASK' },
    partition: partitionNumber(3),
    firstVersion,
    namespace: 'bench',
    at: instant(1_000),
    actor: 'client',
    worker: undefined,
    cause: 'submit',
    types,
    text: JSON.stringify(types.map(() => ({}))),
  } as const
  return { ...content, hash: commitHash(content, previous?.hash) }
}

const first = commit(1, ['task.submitted', 'step.scheduled'])
const history = [first, commit(3, ['task.completed'], first)]

test('copies of a task are tasks of their own, with whole chains and gapless places', () => {
  const maker = copies(history)
  const rows: readonly SequencedCommit[] = [...maker.next(40).batches.flat(), ...maker.next(8).batches.flat()]
  const ofTask = groups(rows, (row) => row.commit.stream.id)
  expect(ofTask.size).toBe(48)
  for (const commits of ofTask.values()) {
    expect(verifyChain(commits.map((row) => row.commit))).toMatchObject({ type: 'intact', commits: 2, nextVersion: 4 })
  }
  const ofPartition = groups(rows, (row) => String(row.commit.partition))
  expect(ofPartition.size).toBe(PARTITIONS)
  for (const commits of ofPartition.values()) {
    expect(commits.map(({ seq }) => seq)).toEqual(commits.map((_, index) => index + 1))
  }
})

test('copies are the same in every run', () => {
  expect(copies(history).next(20)).toEqual(copies(history).next(20))
})

const groups = <T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> => {
  const found = new Map<string, T[]>()
  for (const item of items) found.set(keyOf(item), [...(found.get(keyOf(item)) ?? []), item])
  return found
}
