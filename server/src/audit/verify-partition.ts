/**
 * Walks one partition once, in the order of its places, and says the first thing that is wrong.
 *
 * V1  Places are gapless; each commit follows the one before it in its stream, and is what its hash says.
 * V2  The commits of each seal lead to its root; each seal goes on from the one before it and is signed by a key that is trusted.
 * V3  Each published seal is in the log as it was published.
 * V4  What comes first in the log is what is said: a root that does not fit is said after each commit under it was looked at, and a seal
 *     that is bad itself is said at its own place.
 * V5  Memory does not grow with the log: seals are read ahead by one, and of their commits only roots of whole subtrees are kept.
 */
import type { Partition } from '@tasker/core'
import { type AuditReads, type LinkedCommit, PARTITION_SEALED, type StoredCommit } from '../log/port.js'
import type { TrustedKeys } from './check-proof.js'
import { commitFinding } from './commit-findings.js'
import type { Finding } from './findings.js'
import { leafHash, MerkleFrontier, merkleHex } from './merkle.js'
import { PublishedCheck, type PublishedLine } from './published-check.js'
import { type Seal } from './seal.js'
import { sealOf } from './seal-commit.js'
import { sealFinding, type SealPlace, sealProblem } from './seal-findings.js'

export interface PartitionTask {
  readonly partition: Partition
  /** The first place to look at, at least 1. */
  readonly fromSeq: number
  /** The last one: what was there when the audit began. */
  readonly headSeq: number
  /** Commits to look at before it stops. */
  readonly commitsMax: number
  readonly trusted: TrustedKeys
  readonly published: AsyncIterable<PublishedLine> | undefined
}

export interface PartitionReport {
  readonly finding: Finding | undefined
  readonly commits: number
  readonly seals: number
  /** The last place that a seal covers which was passed. */
  readonly sealedSeq: number
  /** Places below are done; above `headSeq` when all are. */
  readonly nextSeq: number
}

export const verifyPartition = async (reads: AuditReads, task: PartitionTask): Promise<PartitionReport> => {
  const walk = new PartitionWalk(reads, task)
  try {
    const finding = (await walk.begin()) ?? (await walk.commits()) ?? (await walk.end())
    return { finding, commits: walk.count, seals: walk.seals, sealedSeq: walk.sealedSeq, nextSeq: walk.next }
  } finally {
    await walk.close()
  }
}

class PartitionWalk {
  readonly #reads: AuditReads
  readonly #task: PartitionTask
  readonly #ahead: AsyncGenerator<StoredCommit>
  readonly #published: PublishedCheck | undefined
  /** The seal whose commits are being gathered; undefined when there is none, or none that is good. */
  #open: Seal | undefined
  /** The last one that was gathered. */
  #gathered: Seal | undefined
  #frontier = new MerkleFrontier()
  /** The last seal whose own place was passed. */
  #last: Seal | undefined
  next: number
  count = 0
  seals = 0

  constructor(reads: AuditReads, task: PartitionTask) {
    const { partition, fromSeq, trusted, published } = task
    this.#reads = reads
    this.#task = task
    this.next = fromSeq
    this.#ahead = sealsAhead(reads, partition, fromSeq - 1)
    this.#published = published && new PublishedCheck(published, { logId: reads.logId, partition, fromSeq, trusted })
  }

  /** Where a walk begins in the middle, the commits of its seal that lie before are taken by their hashes. */
  async begin(): Promise<Finding | undefined> {
    const { partition, fromSeq } = this.#task
    const before = await this.#reads.lastSeal(partition, fromSeq)
    this.#last = before && sealOf(before)
    this.#gathered = this.#last
    if (before !== undefined && this.#last === undefined) return sealFinding(before, undefined, this.#placeOf(undefined))
    await this.#openNext()
    while (this.#open !== undefined && this.#open.to_seq < fromSeq) await this.#openNext()
    await this.#gatherBefore(fromSeq)
    return this.#published?.begin()
  }

  async commits(): Promise<Finding | undefined> {
    const { partition, headSeq, commitsMax } = this.#task
    for await (const page of this.#reads.linked(partition, this.next - 1)) {
      for (const linked of page) {
        if (this.next > headSeq || this.count >= commitsMax) return undefined
        const found = await this.#look(linked)
        if (found !== undefined) return found
        this.next++
        this.count++
      }
    }
    return this.next > headSeq ? undefined : this.#missing(undefined)
  }

  /** V3, behind the end of the log. */
  async end(): Promise<Finding | undefined> {
    const { partition, headSeq } = this.#task
    if (this.next <= headSeq || this.#published === undefined) return undefined
    return this.#published.behind(headSeq, await this.#reads.tip(partition))
  }

  get sealedSeq(): number {
    return this.#last?.to_seq ?? 0
  }

  async close(): Promise<void> {
    await this.#ahead.return(undefined)
    await this.#published?.close()
  }

  async #look(linked: LinkedCommit): Promise<Finding | undefined> {
    if (linked.seq !== this.next) return this.#missing(linked)
    const found = commitFinding(linked) ?? this.#rootFinding(linked) ?? this.#sealFinding(linked)
    if (found !== undefined) return found
    if (linked.seq === this.#open?.to_seq) await this.#openNext()
    if (this.#published?.expectsAt(linked.seq) !== true || linked.commit === undefined) return undefined
    return this.#published.at(linked.commit, sealOf(linked.commit))
  }

  #missing(instead: LinkedCommit | undefined): Finding {
    return {
      kind: 'missing_commit',
      at: { partition: this.#task.partition, seq: this.next },
      message: 'no commit stands at this place',
      expected: `a commit at ${this.next}`,
      found: instead === undefined ? 'nothing more' : `the next at ${instead.seq}`,
    }
  }

  /** V2: a seal itself. */
  #sealFinding({ commit }: LinkedCommit): Finding | undefined {
    if (commit === undefined || !commit.types.includes(PARTITION_SEALED)) return undefined
    const seal = sealOf(commit)
    const found = sealFinding(commit, seal, this.#placeOf(this.#last))
    if (found !== undefined) return found
    this.#last = seal
    this.seals++
    return undefined
  }

  /** V2: the commits under a seal. */
  #rootFinding({ seq, hash }: LinkedCommit): Finding | undefined {
    const seal = this.#open
    if (seal === undefined) return undefined
    this.#frontier.add(leafHash(seq, hash))
    if (seq < seal.to_seq) return undefined
    const root = merkleHex(this.#frontier.root())
    if (root === seal.root) return undefined
    return {
      kind: 'broken_seal',
      at: { partition: this.#task.partition, seq: seal.from_seq },
      toSeq: seal.to_seq,
      message: 'commits here are not those that were sealed, or stand in another order',
      expected: seal.root,
      found: root,
    }
  }

  /** V4: a seal that is not good opens nothing; where it stands is looked at when it is come to. */
  async #openNext(): Promise<void> {
    const next = await this.#ahead.next()
    this.#frontier = new MerkleFrontier()
    this.#open = undefined
    if (next.done === true) return
    const seal = sealOf(next.value)
    if (seal === undefined || sealProblem(seal, this.#placeOf(this.#gathered)) !== undefined) return
    this.#open = seal
    this.#gathered = seal
  }

  async #gatherBefore(fromSeq: number): Promise<void> {
    if (this.#open === undefined || this.#open.from_seq >= fromSeq) return
    for await (const page of this.#reads.hashes(this.#task.partition, this.#open.from_seq - 1)) {
      for (const { seq, hash } of page) {
        if (seq >= fromSeq) return
        this.#frontier.add(leafHash(seq, hash))
      }
    }
  }

  #placeOf(last: Seal | undefined): SealPlace {
    const { partition, trusted } = this.#task
    return { logId: this.#reads.logId, partition, last, trusted }
  }
}

async function* sealsAhead(reads: AuditReads, partition: Partition, afterSeq: number): AsyncGenerator<StoredCommit> {
  for await (const page of reads.control(partition, afterSeq)) {
    for (const commit of page) if (commit.types.includes(PARTITION_SEALED)) yield commit
  }
}
