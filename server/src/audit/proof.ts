/**
 * The proof of one task: a document that says all of its commits and leads each of them to a signed seal, for whoever trusts the key alone.
 *
 * P1  Every member is under a hash or a signature, or follows from one that is: no edit goes unseen.
 * P2  A proof holds all commits of its stream from the first on. That later ones were left out shows only where the last is no end.
 */
import { elementAt, instant, invariant, partitionNumber, type TaskId } from '@tasker/core'
import { z } from 'zod'
import type { CommitContent } from '../log/commit-hash.js'
import type { StoredCommit } from '../log/port.js'
import { leafHash, merkleHex, MerkleTree } from './merkle.js'
import { LOG_ID, SEAL, type Seal } from './seal.js'

export const PROOF_FORMAT = 'tasker-proof-1'

/** Half a surrogate pair would be hashed as another character. */
const text = z.string().refine((value) => value.isWellFormed(), { error: 'holds half a surrogate pair' })
const hexHash = z.string().regex(/^[0-9a-f]{64}$/)

const COMMIT = z.strictObject({
  partition: z.int().min(0),
  seq: z.int().min(1),
  first_version: z.int().min(1),
  namespace: text,
  at: z.int(),
  actor: text,
  worker: text.nullable(),
  cause: text,
  types: z.array(text.regex(/^[^,]+$/)).min(1),
  /** Byte for byte as in the log: it is hashed as text, not as JSON. */
  events: text,
  hash: hexHash,
  /** Which of the seals covers it. */
  seal: z.int().min(0),
  /** From its leaf to the root of that seal, from the bottom up. */
  path: z.array(hexHash),
})

export const PROOF = z.strictObject({
  format: z.literal(PROOF_FORMAT),
  log: z.string().regex(LOG_ID),
  task_id: text.min(1),
  commits: z.array(COMMIT).min(1),
  seals: z.array(SEAL).min(1),
})

export type ProofCommit = Readonly<z.infer<typeof COMMIT>>
export type ProofDocument = Readonly<z.infer<typeof PROOF>>

/** What the hash of a commit covers, out of the proof of its task. */
export const provenContent = (commit: ProofCommit, taskId: string): CommitContent => ({
  stream: { kind: 'task', id: taskId },
  partition: partitionNumber(commit.partition),
  firstVersion: commit.first_version,
  namespace: commit.namespace,
  at: instant(commit.at),
  actor: commit.actor,
  worker: commit.worker ?? undefined,
  cause: commit.cause,
  types: commit.types,
  text: commit.events,
})

/** A seal and the tree under its root. */
export interface SealedRange {
  readonly seal: Seal
  readonly tree: MerkleTree
}

/** The place and the hash of a commit: all that seals look at. */
export interface PlaceHash {
  readonly seq: number
  readonly hash: Buffer
}

/** `places` are those from `from_seq` to `to_seq`, all of them, in order. Undefined when they do not lead to the seal's root. */
export const sealedRange = (seal: Seal, places: readonly PlaceHash[]): SealedRange | undefined => {
  const isWhole = places.length === seal.to_seq - seal.from_seq + 1 && places.every(({ seq }, i) => seq === seal.from_seq + i)
  if (!isWhole) return undefined
  const tree = new MerkleTree(places.map(({ seq, hash }) => leafHash(seq, hash)))
  return merkleHex(tree.root) === seal.root ? { seal, tree } : undefined
}

/**
 * The proof of a task whose commits are all sealed. `ranges` are those that cover them, in any order; others may be among them.
 * One range serves all tasks that have a commit in it.
 */
export const proofOf = (taskId: TaskId, commits: readonly StoredCommit[], ranges: readonly SealedRange[]): ProofDocument => {
  const builder = new ProofBuilder(taskId)
  for (const commit of commits) {
    const range = ranges.find(({ seal }) => covers(seal, commit))
    invariant(range !== undefined, `the commit at ${commit.partition}:${commit.seq} is covered by no seal that was given`)
    builder.add(commit, range)
  }
  return builder.document()
}

/** Makes a proof commit by commit, so that not all ranges of a long life are in memory at once. */
export class ProofBuilder {
  readonly #taskId: TaskId
  readonly #commits: ProofCommit[] = []
  readonly #seals: Seal[] = []

  constructor(taskId: TaskId) {
    this.#taskId = taskId
  }

  /** Commits come in the order of their stream; `range` covers this one. */
  add(commit: StoredCommit, range: SealedRange): void {
    if (this.#seals.at(-1)?.from_seq !== range.seal.from_seq) this.#seals.push(range.seal)
    this.#commits.push(proofCommit(commit, range, this.#seals.length - 1))
  }

  /** Of at least one commit. */
  document(): ProofDocument {
    const { log } = elementAt(this.#seals, 0, 'the first seal')
    return { format: PROOF_FORMAT, log, task_id: this.#taskId, commits: this.#commits, seals: this.#seals }
  }
}

export const covers = (seal: Seal, { partition, seq }: Pick<StoredCommit, 'partition' | 'seq'>): boolean =>
  seal.partition === partition && seal.from_seq <= seq && seq <= seal.to_seq

const proofCommit = (commit: StoredCommit, { seal, tree }: SealedRange, at: number): ProofCommit => ({
  partition: commit.partition,
  seq: commit.seq,
  first_version: commit.firstVersion,
  namespace: commit.namespace,
  at: commit.at,
  actor: commit.actor,
  worker: commit.worker ?? null,
  cause: commit.cause,
  types: [...commit.types],
  events: commit.text,
  hash: commit.hash.toString('hex'),
  seal: at,
  path: tree.path(commit.seq - seal.from_seq).map(merkleHex),
})
