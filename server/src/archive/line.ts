/** One task of an archive as a line of JSON: the proof of it, which holds its commits as they were stored. */
import { parseTaskId, type TaskId } from '@tasker/core'
import { checkProof } from '../audit/check-proof.js'
import { PROOF, type ProofDocument, provenContent } from '../audit/proof.js'
import type { StoredCommit } from '../log/port.js'

export const lineOf = (proof: ProofDocument): string => JSON.stringify(proof)

export interface ArchivedStream {
  readonly taskId: TaskId
  readonly commits: readonly StoredCommit[]
  readonly proof: ProofDocument
}

/** Throws an `Error` that says what is wrong with the line: its form, its seals, or the hashes of its commits. */
export const streamOfLine = (text: string): ArchivedStream => {
  const document: unknown = JSON.parse(text)
  const verdict = checkProof(document)
  if (verdict.type === 'unsound') throw new Error(`its proof does not hold at ${verdict.at}: ${verdict.message}`)
  const proof = PROOF.parse(document)
  const taskId = parseTaskId(proof.task_id)
  if (taskId === undefined) throw new Error(`${proof.task_id} is no id of a task`)
  const commits = proof.commits.map((commit) => ({
    ...provenContent(commit, taskId),
    seq: commit.seq,
    hash: Buffer.from(commit.hash, 'hex'),
  }))
  return { taskId, commits, proof }
}
