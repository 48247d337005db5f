/**
 * The hash of a commit, linked to the one before it in its stream: whoever changes, removes or reorders a commit breaks the chain there.
 *
 * H1  SHA-256 over UTF-8 text: the parts below, joined by NUL, the events text last. NUL stands in none of the parts before, because
 *     PostgreSQL keeps none; so no two commits give the same text.
 * H2  Parts: format, stream kind, stream id, first version, previous hash in hexadecimal, namespace, `at` in epoch milliseconds, actor,
 *     worker (`=` before its name, empty when there is none), cause, types joined by commas, events text.
 * H3  The place in the partition is no part of it: a commit may be given another place before it is written.
 */
import { hash as hashOnce } from 'node:crypto'
import { archivedEnd } from './archived-end.js'
import type { CommitDraft, StreamRef } from './port.js'

/** Everything of a commit that its hash covers. */
export type CommitContent = Omit<CommitDraft, 'hash'>

const FORMAT = 'tasker-commit-1'

/** The previous hash of a stream's first commit. */
export const NO_PREVIOUS_HASH: Buffer = Buffer.alloc(32)
const NO_PREVIOUS_HEX = NO_PREVIOUS_HASH.toString('hex')

/** SHA-256, 32 bytes. */
export const commitHash = (content: CommitContent, previous: Buffer = NO_PREVIOUS_HASH): Buffer => {
  const { stream, worker } = content
  const before = previous === NO_PREVIOUS_HASH ? NO_PREVIOUS_HEX : previous.toString('hex')
  const from = worker === undefined ? '' : `=${worker}`
  return hashOnce(
    'sha256',
    `${FORMAT}\0${stream.kind}\0${stream.id}\0${content.firstVersion}\0${before}\0${content.namespace}\0${content.at}\0${content.actor}\0${from}\0${content.cause}\0${content.types.join(',')}\0${content.text}`,
    'buffer',
  )
}

export type ChainVerdict =
  | { readonly type: 'intact'; readonly commits: number; readonly lastHash: Buffer; readonly nextVersion: number }
  | { readonly type: 'broken'; readonly atVersion: number; readonly message: string }

/**
 * Checks the commits of one stream from its first on: no gap, no other stream in between, each hash what it must be. Before the commit that
 * archives a task any number of commits may be gone, and that one says what it is linked to.
 */
export const verifyChain = (commits: Iterable<CommitDraft>): ChainVerdict => {
  let lastHash = NO_PREVIOUS_HASH
  let nextVersion = 1
  let count = 0
  let stream: StreamRef | undefined
  for (const commit of commits) {
    stream ??= commit.stream
    if (commit.stream.kind !== stream.kind || commit.stream.id !== stream.id) {
      return broken(nextVersion, `a commit of ${commit.stream.kind} ${commit.stream.id} stands in between`)
    }
    const end = archivedEnd(commit)
    if (end === 'unreadable') return broken(nextVersion, 'the commit that archives the task cannot be read')
    if (end !== 'none' && commit.firstVersion > nextVersion && end.versions === commit.firstVersion - 1) {
      nextVersion = commit.firstVersion
      lastHash = end.lastHash
    }
    if (commit.firstVersion !== nextVersion) {
      return broken(nextVersion, `version ${nextVersion} is missing: the next commit begins at ${commit.firstVersion}`)
    }
    if (!commitHash(commit, lastHash).equals(commit.hash)) return broken(nextVersion, 'the commit is not what was written')
    lastHash = commit.hash
    nextVersion += commit.types.length
    count++
  }
  return { type: 'intact', commits: count, lastHash, nextVersion }
}

const broken = (atVersion: number, message: string): ChainVerdict => ({ type: 'broken', atVersion, message })
