/** What a skilled hand does to a log: hashes and seals are made anew over what was changed. */
import { instant, partitionNumber } from '@tasker/core'
import { leafHash, merkleHex, MerkleTree } from '@tasker/server/internal/audit/merkle'
import { NO_PREVIOUS_SEAL, type Seal, sealHash, signSeal } from '@tasker/server/internal/audit/seal'
import { sealOf } from '@tasker/server/internal/audit/seal-commit'
import type { SealKey } from '@tasker/server/internal/audit/seal-key'
import { commitHash, NO_PREVIOUS_HASH } from '@tasker/server/internal/log/commit-hash'
import { COMMIT_COLUMNS, type CommitRow, commitOf } from '@tasker/server/internal/log/postgres/commit-rows'
import type { StoredCommit } from '@tasker/server/internal/log/port'
import { newConnection } from '@tasker/server/internal/database'
import { query } from '../../support/postgres.js'

const readCommits = async (url: string, where: string, values: readonly unknown[]): Promise<readonly StoredCommit[]> => {
  const connection = newConnection({ url, applicationName: 'tests' })
  await connection.connect()
  try {
    const text = `select ${COMMIT_COLUMNS} from event_commit where ${where}`
    return (await connection.query<CommitRow>(text, [...values])).rows.map(commitOf)
  } finally {
    await connection.end()
  }
}

const writeBack = async (url: string, { partition, seq, text, hash }: StoredCommit): Promise<void> => {
  await query(url, 'update event_commit set events = $3, hash = $4 where partition = $1 and seq = $2', [
    partition,
    seq,
    text,
    hash,
  ])
}

/** Makes the chain of a stream whole again. */
export const rehash = async (url: string, kind: string, id: string): Promise<void> => {
  let previous = NO_PREVIOUS_HASH
  for (const commit of await readCommits(url, 'stream_kind = $1 and stream_id = $2 order by first_version', [kind, id])) {
    const hash = commitHash(commit, previous)
    await writeBack(url, { ...commit, hash })
    previous = hash
  }
}

/** Makes all seals of a partition anew, with this key, over what stands there now. */
export const reseal = async (url: string, partition: number, key: SealKey): Promise<void> => {
  let last: Seal | undefined
  const at = partitionNumber(partition)
  for (const { seq } of await readCommits(url, `partition = $1 and types = array['partition.sealed'] order by seq`, [at])) {
    const [commit] = await readCommits(url, 'partition = $1 and seq = $2', [at, seq])
    const seal = commit && sealOf(commit)
    if (commit === undefined || seal === undefined) throw new Error(`no seal stands at ${partition}:${seq}`)
    const covered = await readCommits(url, 'partition = $1 and seq between $2 and $3 order by seq', [
      at,
      seal.from_seq,
      seal.to_seq,
    ])
    const root = merkleHex(new MerkleTree(covered.map((one) => leafHash(one.seq, one.hash))).root)
    const previous = last === undefined ? NO_PREVIOUS_SEAL : sealHash(last)
    last = signSeal({ ...contentOf(seal), root, previous }, key)
    await writeBack(url, { ...commit, at: instant(seal.at), text: JSON.stringify([last]) })
    await rehash(url, 'partition', String(partition))
  }
}

const contentOf = ({ log, partition, epoch, from_seq, to_seq, root, previous, at }: Seal) => ({
  log,
  partition,
  epoch,
  from_seq,
  to_seq,
  root,
  previous,
  at,
})
