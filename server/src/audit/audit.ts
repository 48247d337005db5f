/** What a server can be asked about the integrity of its log. */
import type { Partition, TaskId } from '@tasker/core'
import type { EventLog } from '../log/port.js'
import { AtOnce, AUDITS_AT_ONCE_MAX } from './at-once.js'
import type { TrustedKeys } from './check-proof.js'
import type { Position } from './position.js'
import type { ProofDocument } from './proof.js'
import { readProof } from './read-proof.js'
import { readSealFile } from './seal-files.js'
import { verifyLog, type VerifyReport } from './verify.js'

export interface Audit {
  /** Undefined when there is no such task. What of it is not sealed yet is sealed first. */
  proof(taskId: TaskId): Promise<ProofDocument | undefined>
  /** Looks at a bounded number of commits from a place on. */
  verify(from: Position | undefined, commitsMax: number): Promise<VerifyReport>
}

export interface AuditParts {
  readonly log: Pick<EventLog, 'readStream' | 'audit'>
  readonly sealed: (partition: Partition, seq: number) => Promise<void>
  /** The proof that an archive holds; undefined when none does. */
  readonly archived?: ((taskId: TaskId) => Promise<ProofDocument | undefined>) | undefined
  readonly trusted: TrustedKeys
  /** Where seals are published; undefined when they are not. */
  readonly sealsDir: string | undefined
}

/** Of both calls together `AUDITS_AT_ONCE_MAX` run at a time. */
export const serverAudit = ({ log, sealed, archived, trusted, sealsDir }: AuditParts): Audit => {
  const atOnce = new AtOnce(AUDITS_AT_ONCE_MAX)
  const published = publishedIn(sealsDir)
  return {
    proof: (taskId) => atOnce.run(() => readProof({ log, sealed, archived }, taskId)),
    verify: (from, commitsMax) => atOnce.run(() => verifyLog(log.audit, { from, commitsMax, trusted, published })),
  }
}

/** The published seals of a directory, for `verifyLog`. */
export const publishedIn = (directory: string | undefined) =>
  directory === undefined ? undefined : (partition: number) => readSealFile(directory, partition)
