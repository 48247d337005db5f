/**
 * Merkle trees as RFC 6962 makes them, over the places and hashes of commits.
 *
 * T1  A leaf is SHA-256(0x00 ‖ seq as 8 bytes, big end first ‖ hash of the commit); a node is SHA-256(0x01 ‖ left ‖ right).
 * T2  A tree of n leaves splits at the largest power of two below n.
 * T3  `MerkleFrontier` keeps a root of each whole subtree, so it needs memory for log2(n) hashes; `MerkleTree` keeps all, to give paths.
 */
import { hash } from 'node:crypto'
import { elementAt, invariant } from '@tasker/core'

/** 32 bytes, a character each: several times cheaper to make than a buffer. */
export type MerkleHash = string

export const HASH_BYTES = 32
const SEQ_BYTES = 8
const HASH_ENCODING = 'binary'

const leafBytes = Buffer.alloc(1 + SEQ_BYTES + HASH_BYTES)
const nodeBytes = Buffer.alloc(1 + 2 * HASH_BYTES)
leafBytes[0] = 0
nodeBytes[0] = 1

/** T1. */
export const leafHash = (seq: number, commitHash: Buffer): MerkleHash => {
  invariant(commitHash.length === HASH_BYTES, `a hash of ${commitHash.length} bytes`)
  leafBytes.writeUInt32BE(Math.floor(seq / 0x1_0000_0000), 1)
  leafBytes.writeUInt32BE(seq % 0x1_0000_0000, 5)
  commitHash.copy(leafBytes, 1 + SEQ_BYTES)
  return hash('sha256', leafBytes, HASH_ENCODING)
}

const nodeHash = (left: MerkleHash, right: MerkleHash): MerkleHash => {
  nodeBytes.write(left, 1, HASH_ENCODING)
  nodeBytes.write(right, 1 + HASH_BYTES, HASH_ENCODING)
  return hash('sha256', nodeBytes, HASH_ENCODING)
}

/** The bytes as hexadecimal digits, as documents show them. */
export const merkleHex = (value: MerkleHash): string => Buffer.from(value, HASH_ENCODING).toString('hex')

export const merkleOfHex = (hex: string): MerkleHash => Buffer.from(hex, 'hex').toString(HASH_ENCODING)

/** The root of leaves that come one by one (T3). */
export class MerkleFrontier {
  /** Roots of whole subtrees, the largest first. */
  readonly #roots: MerkleHash[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  add(leaf: MerkleHash): void {
    let root = leaf
    for (let rest = this.#size; rest % 2 === 1; rest = Math.floor(rest / 2)) root = nodeHash(this.#pop(), root)
    this.#roots.push(root)
    this.#size++
  }

  /** Of at least one leaf. */
  root(): MerkleHash {
    invariant(this.#size > 0, 'a tree without leaves has no root here')
    return this.#roots.reduceRight((right, left) => nodeHash(left, right))
  }

  #pop(): MerkleHash {
    const root = this.#roots.pop()
    invariant(root !== undefined, 'a frontier has a root for each bit of its size')
    return root
  }
}

/** All of a tree, for paths from its leaves to its root. */
export class MerkleTree {
  readonly #levels: (readonly MerkleHash[])[]

  constructor(leaves: readonly MerkleHash[]) {
    invariant(leaves.length > 0, 'a tree has leaves')
    let level = leaves
    this.#levels = [level]
    while (level.length > 1) {
      level = levelAbove(level)
      this.#levels.push(level)
    }
  }

  get size(): number {
    return elementAt(this.#levels, 0, 'the leaves').length
  }

  get root(): MerkleHash {
    return elementAt(elementAt(this.#levels, this.#levels.length - 1, 'the top'), 0, 'the root')
  }

  /** What `rootOfPath` needs beside the leaf, from the bottom up. */
  path(index: number): readonly MerkleHash[] {
    invariant(Number.isInteger(index) && index >= 0 && index < this.size, `leaf ${index} of ${this.size}`)
    const path: MerkleHash[] = []
    let at = index
    for (const level of this.#levels) {
      const sibling = level[at % 2 === 0 ? at + 1 : at - 1]
      if (sibling !== undefined) path.push(sibling)
      at = Math.floor(at / 2)
    }
    return path
  }
}

/** A node without a sibling goes up as it is: that is T2, seen from below. */
const levelAbove = (level: readonly MerkleHash[]): readonly MerkleHash[] => {
  const above: MerkleHash[] = []
  for (let i = 0; i < level.length; i += 2) {
    const left = elementAt(level, i, 'a node')
    const right = level[i + 1]
    above.push(right === undefined ? left : nodeHash(left, right))
  }
  return above
}

/** The root that a leaf at this place of a tree of this size leads to; undefined when the path has not the right length. */
export const rootOfPath = (
  leaf: MerkleHash,
  index: number,
  size: number,
  path: readonly MerkleHash[],
): MerkleHash | undefined => {
  let root = leaf
  let used = 0
  let at = index
  for (let last = size - 1; last > 0; last = Math.floor(last / 2)) {
    const isLeft = at % 2 === 0
    if (!isLeft || at < last) {
      const sibling = path[used++]
      if (sibling === undefined) return undefined
      root = isLeft ? nodeHash(root, sibling) : nodeHash(sibling, root)
    }
    at = Math.floor(at / 2)
  }
  return used === path.length ? root : undefined
}
