/** Verifies a log, or a bounded part of it: partition after partition, up to where each one ends when it is come to. */
import { partitionNumber } from '@tasker/core'
import type { AuditReads } from '../log/port.js'
import type { TrustedKeys } from './check-proof.js'
import type { Finding } from './findings.js'
import type { Position } from './position.js'
import type { PublishedLine } from './published-check.js'
import { verifyPartition } from './verify-partition.js'

export interface VerifyOptions {
  /** The very beginning when undefined. */
  readonly from?: Position | undefined
  /** Commits to look at; all when undefined. */
  readonly commitsMax?: number | undefined
  readonly trusted: TrustedKeys
  /** The published seals of a partition; undefined when there are none to compare with. */
  readonly published?: ((partition: number) => AsyncIterable<PublishedLine>) | undefined
  /** Told after each partition. */
  readonly progress?:
    | ((done: { readonly partition: number; readonly commits: number; readonly seals: number }) => void)
    | undefined
}

export interface VerifyReport {
  /** The first thing that is wrong; undefined when nothing is, as far as was looked. */
  readonly finding: Finding | undefined
  readonly commits: number
  readonly seals: number
  /** Commits at the ends of partitions that no seal covers yet, of the partitions that were finished. */
  readonly unsealed: number
  /** Where to go on; undefined when all was looked at, or something is wrong. */
  readonly next: Position | undefined
}

export const verifyLog = async (reads: AuditReads, options: VerifyOptions): Promise<VerifyReport> => {
  const { from = { partition: 0, seq: 1 }, commitsMax = Number.POSITIVE_INFINITY, trusted } = options
  let commits = 0
  let seals = 0
  let unsealed = 0
  for (let n = from.partition; n < reads.partitionCount; n++) {
    const partition = partitionNumber(n)
    const headSeq = await reads.tip(partition)
    const report = await verifyPartition(reads, {
      partition,
      fromSeq: n === from.partition ? Math.max(1, from.seq) : 1,
      headSeq,
      commitsMax: commitsMax - commits,
      trusted,
      published: options.published?.(n),
    })
    commits += report.commits
    seals += report.seals
    if (report.finding !== undefined) return { finding: report.finding, commits, seals, unsealed, next: undefined }
    if (report.nextSeq <= headSeq)
      return { finding: undefined, commits, seals, unsealed, next: { partition: n, seq: report.nextSeq } }
    unsealed += headSeq - report.sealedSeq
    options.progress?.({ partition: n, commits, seals })
  }
  return { finding: undefined, commits, seals, unsealed, next: undefined }
}
