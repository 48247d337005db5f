/** The proof of a task: sound as it was made, unsound after any edit. */
import { elementAt } from '@tasker/core'
import { checkProof } from '@tasker/server/internal/audit/check-proof'
import { proofOf, sealedRange } from '@tasker/server/internal/audit/proof'
import { signSeal } from '@tasker/server/internal/audit/seal'
import { describe, expect, test } from 'vitest'
import { commitsOf, newSealKey, rangesOf, sealsOf, taskIdOf } from '../../../support/sealed.js'

const a = taskIdOf('A')
const b = taskIdOf('B')
const key = newSealKey()
const commits = commitsOf([a, b, a, b, b, a, a, b])
const seals = sealsOf(commits, 3, key)
const proof = proofOf(
  a,
  commits.filter(({ stream }) => stream.id === a),
  rangesOf(seals, commits),
)
const trusted = new Set([key.publicKey])

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/** The document with the value at a place replaced. */
const edited = (value: Json, [name, ...rest]: readonly (string | number)[], change: (old: Json) => Json): Json => {
  if (name === undefined) return change(value)
  if (Array.isArray(value)) return value.map((item: Json, at) => (at === name ? edited(item, rest, change) : item))
  return Object.fromEntries(
    Object.entries(value ?? {}).map(([key, item]: [string, Json]) => [key, key === name ? edited(item, rest, change) : item]),
  )
}

const plain: Json = JSON.parse(JSON.stringify(proof)) as Json

/** Every place of a document that holds no list and no object. */
const leavesOf = (value: Json, path: readonly (string | number)[] = []): readonly (readonly (string | number)[])[] => {
  if (Array.isArray(value)) return value.flatMap((item: Json, at) => leavesOf(item, [...path, at]))
  if (value === null || typeof value !== 'object') return [path]
  return Object.entries(value).flatMap(([name, item]) => leavesOf(item, [...path, name]))
}

const other = (old: Json): Json => {
  if (typeof old === 'number') return old === 1 ? 2 : 1
  if (typeof old !== 'string') return 'somebody'
  const last = old.at(-1)
  return `${old.slice(0, -1)}${last === 'a' ? 'b' : 'a'}`
}

describe('a proof', () => {
  test('is sound after a way through text', () => {
    expect(checkProof(plain, trusted)).toEqual({
      type: 'sound',
      taskId: a,
      log: 'a-log',
      commits: 4,
      seals: 3,
      lastVersion: 8,
      lastType: 'step.started',
      keyIds: [key.keyId],
    })
  })

  test.each(leavesOf(plain).map((path) => [path.join('/'), path] as const))('is unsound when /%s is edited', (_, path) => {
    expect(checkProof(edited(plain, path, other), trusted).type).toBe('unsound')
  })

  test.each(leavesOf(plain).map((path) => [path.join('/'), path] as const))('is unsound when /%s is removed', (_, path) => {
    const parent = path.slice(0, -1)
    const name = elementAt(path, path.length - 1, 'a name')
    const without = edited(plain, parent, (old) =>
      Array.isArray(old)
        ? old.filter((_, at) => at !== name)
        : Object.fromEntries(Object.entries(old as object).filter(([key]) => key !== name)),
    )
    expect(checkProof(without, trusted).type).toBe('unsound')
  })

  test.each<[string, (old: readonly Json[]) => Json, string, string]>([
    ['a commit in the middle is removed', (old) => old.toSpliced(1, 1), '/commits/1', 'it begins at version 5, not at 3'],
    ['the first commit is removed', (old) => old.slice(1), '/commits/0', 'it begins at version 3, not at 1'],
    ['two commits change places', ([x, y, ...rest]) => [y ?? null, x ?? null, ...rest], '/commits/0', 'it begins at version 3'],
    [
      'a commit is there twice',
      ([x, ...rest]) => [x ?? null, x ?? null, ...rest],
      '/commits/1',
      'it begins at version 1, not at 3',
    ],
  ])('is unsound when %s, and says where', (_, change, at, message) => {
    const changed = edited(plain, ['commits'], (old) => (Array.isArray(old) ? change(old) : old))
    const verdict = checkProof(changed, trusted)
    expect(verdict).toMatchObject({ type: 'unsound', at })
    expect(verdict.type === 'unsound' && verdict.message).toContain(message)
  })

  test('is unsound with a member that nothing covers', () => {
    const spare = edited(plain, ['commits', 0], (old) => ({ ...(old as object), note: 'paid' }))
    expect(checkProof(spare, trusted)).toMatchObject({ type: 'unsound', at: '/commits/0' })
  })

  test('is unsound with a seal that no commit needs', () => {
    const unneeded = { ...proof, commits: proof.commits.slice(0, 3) }
    expect(checkProof(unneeded, trusted)).toMatchObject({ type: 'unsound', at: '/seals/2', message: 'no commit needs this seal' })
  })

  test('is unsound when another key signed it, unless nobody says which key to trust', () => {
    const mine = newSealKey()
    const forged = { ...proof, seals: proof.seals.map((seal) => signSeal(contentOf(seal), mine)) }
    expect(checkProof(forged, trusted)).toMatchObject({ type: 'unsound', at: '/seals/0' })
    expect(checkProof(forged).type).toBe('sound')
  })

  test('is unsound with half a surrogate pair, which would be hashed as another character', () => {
    const verdict = checkProof(
      edited(plain, ['commits', 0, 'actor'], () => '\ud800'),
      trusted,
    )
    expect(verdict).toMatchObject({ type: 'unsound', at: '/commits/0/actor' })
  })
})

describe('the tree of a seal', () => {
  test('is refused over other commits than those that were sealed', () => {
    const first = elementAt(seals, 0, 'a seal')
    expect(sealedRange(first, commits.slice(0, 2))).toBeUndefined()
    expect(sealedRange(first, commits.slice(1, 4))).toBeUndefined()
    const swapped = commits
      .slice(0, 3)
      .map((commit, at) => ({ seq: commit.seq, hash: elementAt(commits, 2 - at, 'a commit').hash }))
    expect(sealedRange(first, swapped)).toBeUndefined()
  })
})

const contentOf = ({ log, partition, epoch, from_seq, to_seq, root, previous, at }: (typeof seals)[number]) => ({
  log,
  partition,
  epoch,
  from_seq,
  to_seq,
  root,
  previous,
  at,
})
