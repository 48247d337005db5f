/** Merkle trees, against the definition of RFC 6962 written down anew. */
import { hash } from 'node:crypto'
import { elementAt } from '@tasker/core'
import {
  leafHash,
  MerkleFrontier,
  type MerkleHash,
  merkleHex,
  merkleOfHex,
  MerkleTree,
  rootOfPath,
} from '@tasker/server/internal/audit/merkle'
import { describe, expect, test } from 'vitest'

const SIZE_MAX = 70

const leaves = Array.from({ length: SIZE_MAX }, (_, n) => leafHash(n + 1, hash('sha256', String(n), 'buffer')))

/** MTH of RFC 6962, section 2.1, above the leaves. */
const definedRoot = (nodes: readonly MerkleHash[]): Buffer => {
  if (nodes.length === 1) return Buffer.from(elementAt(nodes, 0, 'a leaf'), 'binary')
  let split = 1
  while (split * 2 < nodes.length) split *= 2
  return hash(
    'sha256',
    Buffer.concat([Buffer.of(1), definedRoot(nodes.slice(0, split)), definedRoot(nodes.slice(split))]),
    'buffer',
  )
}

describe('a tree', () => {
  test.each(Array.from({ length: SIZE_MAX }, (_, n) => n + 1))('of %i leaves has the root of RFC 6962', (size) => {
    const part = leaves.slice(0, size)
    const frontier = new MerkleFrontier()
    for (const leaf of part) frontier.add(leaf)
    const expected = definedRoot(part).toString('hex')
    expect([merkleHex(frontier.root()), merkleHex(new MerkleTree(part).root), frontier.size]).toEqual([expected, expected, size])
  })

  test.each([1, 2, 3, 7, 8, 9, 33, 64, 70])('of %i leaves proves each leaf at its place and at no other', (size) => {
    const tree = new MerkleTree(leaves.slice(0, size))
    for (let index = 0; index < size; index++) {
      const leaf = elementAt(leaves, index, 'a leaf')
      const path = tree.path(index)
      expect(rootOfPath(leaf, index, size, path)).toBe(tree.root)
      expect(rootOfPath(elementAt(leaves, (index + 1) % leaves.length, 'a leaf'), index, size, path)).not.toBe(tree.root)
      for (let other = 0; other < size; other++)
        if (other !== index) expect(rootOfPath(leaf, other, size, path)).not.toBe(tree.root)
    }
  })

  test('is not led to by a path that is too long or too short', () => {
    const tree = new MerkleTree(leaves.slice(0, 5))
    const leaf = elementAt(leaves, 1, 'a leaf')
    const path = tree.path(1)
    expect(rootOfPath(leaf, 1, 5, path.slice(1))).toBeUndefined()
    expect(rootOfPath(leaf, 1, 5, [...path, tree.root])).toBeUndefined()
  })
})

describe('a leaf', () => {
  test('is SHA-256 of a zero, the place in eight bytes and the hash', () => {
    const seq = 2 ** 40 + 7
    const bytes = Buffer.alloc(41)
    bytes.writeBigUInt64BE(BigInt(seq), 1)
    bytes.fill(9, 9)
    expect(merkleHex(leafHash(seq, Buffer.alloc(32, 9)))).toBe(hash('sha256', bytes, 'hex'))
  })

  test('comes back from its digits', () => {
    const leaf = elementAt(leaves, 0, 'a leaf')
    expect(merkleOfHex(merkleHex(leaf))).toBe(leaf)
  })
})
