/** What is wrong with one commit, seen with the one before it in its stream. */
import { commitHash, NO_PREVIOUS_HASH } from '../log/commit-hash.js'
import type { LinkedCommit, StoredCommit } from '../log/port.js'
import type { Finding, FindingKind } from './findings.js'

/** Undefined when the commit is what was written and where it was written, as far as its stream can tell. */
export const commitFinding = (linked: LinkedCommit): Finding | undefined => {
  const { commit, typeCount, previous } = linked
  if (commit === undefined) return undefined
  if (typeCount !== commit.types.length) {
    return finding(
      commit,
      'changed_commit',
      'its list of types was cut another way',
      `${commit.types.length} types`,
      `${typeCount}`,
    )
  }
  const version = previous?.nextVersion ?? 1
  if (commit.firstVersion !== version) {
    return finding(
      commit,
      'broken_chain',
      'versions of its stream are missing before it',
      `version ${version}`,
      `${commit.firstVersion}`,
    )
  }
  if (previous !== undefined && (previous.partition !== commit.partition || previous.seq >= commit.seq)) {
    const found = `${previous.partition}:${previous.seq}`
    return finding(commit, 'broken_chain', 'the commit before it in its stream stands behind it', `below ${commit.seq}`, found)
  }
  const expected = commitHash(commit, previous?.hash ?? NO_PREVIOUS_HASH)
  return expected.equals(commit.hash)
    ? undefined
    : finding(
        commit,
        'changed_commit',
        'its content, or the hash before it, is not what was written',
        expected.toString('hex'),
        commit.hash.toString('hex'),
      )
}

export const finding = (
  commit: StoredCommit,
  kind: FindingKind,
  message: string,
  expected?: string,
  found?: string,
): Finding => ({
  kind,
  at: { partition: commit.partition, seq: commit.seq },
  stream: `${commit.stream.kind}/${commit.stream.id}`,
  version: commit.firstVersion,
  message,
  ...(expected === undefined ? {} : { expected }),
  ...(found === undefined ? {} : { found }),
})
