/** Checks the proof of a task with nothing but the document and, where somebody has them, the public keys to trust. */
import { partitionNumber } from '@tasker/core'
import { commitHash, NO_PREVIOUS_HASH } from '../log/commit-hash.js'
import { leafHash, merkleHex, merkleOfHex, rootOfPath } from './merkle.js'
import { covers, PROOF, type ProofCommit, type ProofDocument, provenContent } from './proof.js'
import { type Seal, signatureProblem } from './seal.js'

/** The keys that may have signed, as 43 characters each; undefined for any: signatures then say only that nothing was changed afterwards. */
export type TrustedKeys = ReadonlySet<string> | undefined

export type ProofVerdict =
  | {
      readonly type: 'sound'
      readonly taskId: string
      readonly log: string
      readonly commits: number
      readonly seals: number
      /** Of the last event. */
      readonly lastVersion: number
      readonly lastType: string
      readonly keyIds: readonly string[]
    }
  | {
      readonly type: 'unsound'
      /** Where in the document, as a JSON Pointer. */
      readonly at: string
      readonly message: string
    }

/** Says the first thing that is wrong, in the order of the document: its form, its seals, its commits. */
export const checkProof = (document: unknown, trusted?: TrustedKeys): ProofVerdict => {
  const parsed = PROOF.safeParse(document)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return unsound(`/${(issue?.path ?? []).join('/')}`, issue?.message ?? 'is no proof')
  }
  const proof = parsed.data
  return firstBadSeal(proof, trusted) ?? firstBadCommit(proof) ?? sound(proof)
}

const firstBadSeal = ({ log, seals }: ProofDocument, trusted: TrustedKeys): ProofVerdict | undefined => {
  for (const [index, seal] of seals.entries()) {
    const message = sealProblem(seal, log, seals[index - 1]) ?? trustProblem(seal, trusted)
    if (message !== undefined) return unsound(`/seals/${index}`, `the seal ${nameOf(seal)} is bad: ${message}`)
  }
  return undefined
}

const sealProblem = (seal: Seal, log: string, before: Seal | undefined): string | undefined => {
  if (seal.log !== log) return `it is of the log ${seal.log}, not of ${log}`
  if (seal.from_seq > seal.to_seq) return 'its end is before its beginning'
  if (before !== undefined && (before.partition !== seal.partition || before.to_seq >= seal.from_seq)) {
    return 'it does not come after the seal before it'
  }
  return signatureProblem(seal)
}

/** Why a seal's key is not to be trusted, or undefined. */
export const trustProblem = (seal: Seal, trusted: TrustedKeys): string | undefined =>
  trusted === undefined || trusted.has(seal.public_key) ? undefined : `its key ${seal.key_id} is none of the trusted ones`

const firstBadCommit = (proof: ProofDocument): ProofVerdict | undefined => {
  let previous = NO_PREVIOUS_HASH
  let version = 1
  let last: ProofCommit | undefined
  for (const [index, commit] of proof.commits.entries()) {
    const message =
      orderProblem(commit, version, last) ?? hashProblem(commit, proof.task_id, previous) ?? sealedProblem(commit, proof)
    if (message !== undefined)
      return unsound(`/commits/${index}`, `the commit at ${commit.partition}:${commit.seq} is bad: ${message}`)
    previous = Buffer.from(commit.hash, 'hex')
    version += commit.types.length
    last = commit
  }
  const spare = proof.seals.findIndex((_, index) => !proof.commits.some(({ seal }) => seal === index))
  return spare === -1 ? undefined : unsound(`/seals/${spare}`, 'no commit needs this seal')
}

const orderProblem = (commit: ProofCommit, version: number, last: ProofCommit | undefined): string | undefined => {
  if (commit.first_version !== version) return `it begins at version ${commit.first_version}, not at ${version}`
  if (last === undefined) return undefined
  return last.partition === commit.partition && last.seq < commit.seq ? undefined : 'its place is not behind the commit before it'
}

const hashProblem = (commit: ProofCommit, taskId: string, previous: Buffer): string | undefined => {
  const expected = commitHash(provenContent(commit, taskId), previous).toString('hex')
  return expected === commit.hash ? undefined : `its content has the hash ${expected}, not ${commit.hash}`
}

const sealedProblem = (commit: ProofCommit, { seals }: ProofDocument): string | undefined => {
  const seal = seals[commit.seal]
  if (seal === undefined) return `there is no seal ${commit.seal}`
  if (!covers(seal, { partition: partitionNumber(commit.partition), seq: commit.seq }))
    return `seal ${commit.seal} does not cover its place`
  const leaf = leafHash(commit.seq, Buffer.from(commit.hash, 'hex'))
  const root = rootOfPath(leaf, commit.seq - seal.from_seq, seal.to_seq - seal.from_seq + 1, commit.path.map(merkleOfHex))
  if (root === undefined) return 'its path has not the length that its place asks for'
  return merkleHex(root) === seal.root
    ? undefined
    : `its path leads to ${merkleHex(root)}, not to the root ${seal.root} of its seal`
}

const sound = (proof: ProofDocument): ProofVerdict => ({
  type: 'sound',
  taskId: proof.task_id,
  log: proof.log,
  commits: proof.commits.length,
  seals: proof.seals.length,
  lastVersion: proof.commits.reduce((version, { types }) => version + types.length, 0),
  lastType: proof.commits.at(-1)?.types.at(-1) ?? '',
  keyIds: [...new Set(proof.seals.map(({ key_id }) => key_id))],
})

const unsound = (at: string, message: string): ProofVerdict => ({ type: 'unsound', at, message })

const nameOf = ({ partition, from_seq, to_seq }: Seal): string => `${partition}:${from_seq}-${to_seq}`
