/** What an audit of the log can find, in words that stay. */
import type { Position } from './position.js'

/** `docs/audit.md` says what each means. */
export type FindingKind =
  /** A place holds nothing. */
  | 'missing_commit'
  /** A commit's content is not what its hash is over. */
  | 'changed_commit'
  /** A commit does not follow the one before it in its stream. */
  | 'broken_chain'
  /** Commits stand not in the order in which they were written, or are others than those that were sealed. */
  | 'broken_seal'
  /** A seal is no seal, is not signed by a key that is trusted, or does not go on from the seal before it. */
  | 'bad_seal'
  /** A seal that was published is not in the log. */
  | 'unsealed'
  /** The published list itself is damaged. */
  | 'bad_publication'

export interface Finding {
  readonly kind: FindingKind
  readonly at: Position
  /** The last place it can be at, where that is not `at` itself. */
  readonly toSeq?: number
  readonly stream?: string
  readonly version?: number
  readonly message: string
  readonly expected?: string
  readonly found?: string
}
