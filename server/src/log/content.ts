/** Content that no log can keep: text that UTF-8 cannot carry would come back altered, so it is refused before it is written. */
import type { CommitDraft } from './port.js'

declare global {
  interface String {
    /** Whether no half of a surrogate pair stands alone. Newer than the library the compiler is set to, and part of every Node we run on. */
    isWellFormed(): boolean
  }
}

/** Why the text of a commit cannot be kept, or undefined. */
export const illFormedPart = (commit: CommitDraft): string | undefined => {
  if (!commit.text.isWellFormed()) return refusal(commit, 'its events')
  if (!commit.stream.id.isWellFormed() || !commit.namespace.isWellFormed()) return refusal(commit, 'its stream')
  if (!commit.actor.isWellFormed() || !commit.cause.isWellFormed()) return refusal(commit, 'its cause')
  return commit.worker?.isWellFormed() === false ? refusal(commit, 'its worker') : undefined
}

const refusal = (commit: CommitDraft, part: string): string =>
  `the commit of ${commit.stream.kind} at version ${commit.firstVersion} holds half a surrogate pair in ${part}`
