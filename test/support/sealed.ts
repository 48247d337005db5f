/** A small log with its seals, made by hand, for tests of what checks them. */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { instant, parseTaskId, partitionNumber, type TaskId } from '@tasker/core'
import { MerkleTree, leafHash, merkleHex } from '@tasker/server/internal/audit/merkle'
import { type SealedRange, sealedRange } from '@tasker/server/internal/audit/proof'
import { NO_PREVIOUS_SEAL, type Seal, sealHash, signSeal } from '@tasker/server/internal/audit/seal'
import { readSealKey, type SealKey } from '@tasker/server/internal/audit/seal-key'
import { commitHash, NO_PREVIOUS_HASH } from '@tasker/server/internal/log/commit-hash'
import type { StoredCommit } from '@tasker/server/internal/log/port'

/** A private key as PEM. */
export const newKeyPem = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/** What stands before the 32 bytes of an ed25519 key in PKCS#8. */
const PKCS8_BEGIN = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The same key each time, for runs that must repeat. */
export const fixedSealKey = (): SealKey => {
  const der = Buffer.concat([PKCS8_BEGIN, Buffer.alloc(32, 1)])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  return readSealKey(key.export({ type: 'pkcs8', format: 'pem' }).toString())
}

export const newSealKey = (): SealKey => readSealKey(newKeyPem())

export const taskIdOf = (last: string): TaskId => {
  const taskId = parseTaskId(`01HZZZZZZZZZZZZZZZZZZZZZZ${last}`)
  if (taskId === undefined) throw new Error(`no task id ends in ${last}`)
  return taskId
}

export const PARTITION = partitionNumber(3)

/** Commits of tasks, one after another, in one partition. */
export const commitsOf = (tasks: readonly TaskId[], firstSeq = 1): readonly StoredCommit[] => {
  const heads = new Map<TaskId, { readonly version: number; readonly hash: Buffer }>()
  return tasks.map((id, index) => {
    const { version, hash } = heads.get(id) ?? { version: 1, hash: NO_PREVIOUS_HASH }
    const content = {
      stream: { kind: 'task', id },
      partition: PARTITION,
      firstVersion: version,
      namespace: 'shop',
      at: instant(1_000 + index),
      actor: 'ann',
      worker: index % 2 === 0 ? 'w1' : undefined,
      cause: 'complete 01J',
      types: ['step.completed', 'step.started'],
      text: `[{"n":${index},"ü":"🦀"},{}]`,
    } as const
    const stored = { ...content, seq: firstSeq + index, hash: commitHash(content, hash) }
    heads.set(id, { version: version + 2, hash: stored.hash })
    return stored
  })
}

/** Seals of so many commits each over commits that follow each other from 1. */
export const sealsOf = (commits: readonly StoredCommit[], every: number, key: SealKey): readonly Seal[] => {
  const seals: Seal[] = []
  for (let at = 0; at < commits.length; at += every) {
    const part = commits.slice(at, at + every)
    const last = seals.at(-1)
    const content = {
      log: 'a-log',
      partition: PARTITION,
      epoch: 1,
      from_seq: at + 1,
      to_seq: at + part.length,
      root: merkleHex(new MerkleTree(part.map(({ seq, hash }) => leafHash(seq, hash))).root),
      previous: last === undefined ? NO_PREVIOUS_SEAL : sealHash(last),
      at: 5_000 + at,
    }
    seals.push(signSeal(content, key))
  }
  return seals
}

export const rangesOf = (seals: readonly Seal[], commits: readonly StoredCommit[]): readonly SealedRange[] =>
  seals.map((seal) => {
    const range = sealedRange(seal, commits.slice(seal.from_seq - 1, seal.to_seq))
    if (range === undefined) throw new Error('the commits do not lead to their seal')
    return range
  })
