/** What is wrong with a seal at its place in the log. */
import type { StoredCommit } from '../log/port.js'
import { type TrustedKeys, trustProblem } from './check-proof.js'
import { finding } from './commit-findings.js'
import type { Finding } from './findings.js'
import { NO_PREVIOUS_SEAL, type Seal, sealHash, signatureProblem } from './seal.js'

export interface SealPlace {
  readonly logId: string
  readonly partition: number
  /** The seal before it. */
  readonly last: Seal | undefined
  readonly trusted: TrustedKeys
}

/** A sentence, with what was expected and found where that can be said; undefined when the seal is good. */
export interface SealProblem {
  readonly message: string
  readonly expected?: string
  readonly found?: string
}

/** What is wrong with a seal wherever it stands. */
export const sealProblem = (seal: Seal, place: SealPlace): SealProblem | undefined => {
  const { logId, partition, last, trusted } = place
  if (seal.log !== logId) return { message: 'the seal is of another log', expected: logId, found: seal.log }
  if (seal.partition !== partition) {
    return { message: 'the seal is of another partition', expected: String(partition), found: String(seal.partition) }
  }
  const from = (last?.to_seq ?? 0) + 1
  if (seal.from_seq !== from || seal.to_seq < from) {
    const found = `${seal.from_seq} to ${seal.to_seq}`
    return { message: 'the seal does not go on from the one before it', expected: `from ${from}`, found }
  }
  const previous = last === undefined ? NO_PREVIOUS_SEAL : sealHash(last)
  if (seal.previous !== previous) {
    return { message: 'the seal is linked to another one before it', expected: previous, found: seal.previous }
  }
  const message = signatureProblem(seal) ?? trustProblem(seal, trusted)
  return message === undefined ? undefined : { message: `the seal is not to be trusted: ${message}` }
}

/** What is wrong with a seal where it stands. */
export const sealFinding = (commit: StoredCommit, seal: Seal | undefined, place: SealPlace): Finding | undefined => {
  if (seal === undefined) return finding(commit, 'bad_seal', 'the seal cannot be read')
  const problem = sealProblem(seal, place)
  if (problem !== undefined) return finding(commit, 'bad_seal', problem.message, problem.expected, problem.found)
  if (seal.to_seq < commit.seq) return undefined
  return {
    kind: 'broken_seal',
    at: { partition: commit.partition, seq: seal.from_seq },
    toSeq: commit.seq,
    message: 'commits that were sealed are missing: their seal stands before the end of what it covers',
    expected: `its place behind ${seal.to_seq}`,
    found: String(commit.seq),
  }
}
