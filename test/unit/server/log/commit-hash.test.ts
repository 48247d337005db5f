/** The chain of hashes: what was changed, removed or moved is found, at its place. */
import { instant, partitionNumber } from '@tasker/core'
import { type CommitContent, commitHash, NO_PREVIOUS_HASH, verifyChain } from '@tasker/server/internal/log/commit-hash'
import type { CommitDraft } from '@tasker/server/internal/log/port'
import { describe, expect, test } from 'vitest'

const content: CommitContent = {
  stream: { kind: 'task', id: 'a' },
  partition: partitionNumber(0),
  firstVersion: 1,
  namespace: 'shop',
  at: instant(7),
  actor: 'ann',
  worker: 'w',
  cause: 'submit 01J',
  types: ['a', 'b'],
  text: '[{},{"ü":"🦀"}]',
}

const chain = (length: number): CommitDraft[] => {
  const commits: CommitDraft[] = []
  for (let index = 0; index < length; index++) {
    const next = { ...content, firstVersion: 1 + 2 * index, text: `[{"n":${index}},{}]` }
    commits.push({ ...next, hash: commitHash(next, commits.at(-1)?.hash) })
  }
  return commits
}

describe('the hash of a commit', () => {
  test('stays what it is: stored chains must verify for ever', () => {
    expect(commitHash(content).toString('hex')).toMatchInlineSnapshot(
      `"093208523e1cd85c7ba3bdf055ec4c21cff22badf744e6ec9c03e8560cf571bb"`,
    )
  })

  test.each<[string, Partial<CommitContent>]>([
    ['the kind', { stream: { kind: 'template', id: 'a' } }],
    ['the stream', { stream: { kind: 'task', id: 'b' } }],
    ['the version', { firstVersion: 2 }],
    ['the namespace', { namespace: 'bank' }],
    ['the time', { at: instant(8) }],
    ['the actor', { actor: 'bob' }],
    ['the worker', { worker: 'v' }],
    ['that there was a worker', { worker: undefined }],
    ['the cause', { cause: 'submit' }],
    ['the types', { types: ['a', 'c'] }],
    ['the text', { text: '[{},{"ü":"🦁"}]' }],
  ])('covers %s', (_, change) => {
    expect(commitHash({ ...content, ...change })).not.toEqual(commitHash(content))
  })

  test('covers the commit before it', () => {
    expect(commitHash(content, commitHash(content))).not.toEqual(commitHash(content))
    expect(commitHash(content, Buffer.alloc(32))).toEqual(commitHash(content, NO_PREVIOUS_HASH))
  })

  test('does not cover the place: a commit may be numbered anew before it is written', () => {
    expect(commitHash({ ...content, partition: partitionNumber(9) })).toEqual(commitHash(content))
  })

  test('does not confuse a part with its neighbour', () => {
    expect(commitHash({ ...content, actor: 'ann=', worker: undefined })).not.toEqual(
      commitHash({ ...content, actor: 'ann', worker: '' }),
    )
  })
})

describe('a chain', () => {
  test('that nobody touched is intact', () => {
    const commits = chain(3)
    expect(verifyChain(commits)).toEqual({ type: 'intact', commits: 3, lastHash: commits[2]?.hash, nextVersion: 7 })
    expect(verifyChain([])).toMatchObject({ type: 'intact', commits: 0, nextVersion: 1 })
  })

  test.each<[string, (commits: CommitDraft[]) => readonly (CommitDraft | undefined)[], number]>([
    ['a changed text', ([a, b, c]) => [a, b && { ...b, text: '[{"n":"forged"},{}]' }, c], 3],
    ['a changed hash', ([a, b, c]) => [a, b && { ...b, hash: Buffer.alloc(32) }, c], 3],
    ['a removed commit', ([a, , c]) => [a, c], 3],
    ['a removed beginning', ([, b, c]) => [b, c], 1],
    ['two commits in the wrong order', ([a, b, c]) => [a, c, b], 3],
    ['a commit of another stream', ([a, b]) => [a, b && { ...b, stream: { kind: 'task', id: 'z' } }], 3],
    [
      'a forged commit with a fitting version',
      ([a, b, c]) => [a, b && { ...b, hash: commitHash({ ...b, actor: 'eve' }, a?.hash), actor: 'eve' }, c],
      5,
    ],
  ])('with %s is broken, and says where', (_, forge, atVersion) => {
    const commits = forge(chain(3)).filter((commit) => commit !== undefined)
    expect(verifyChain(commits)).toMatchObject({ type: 'broken', atVersion })
  })
})
