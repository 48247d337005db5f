/**
 * Holds the seals that were published beside those in the log: at the place of each published seal, that very seal must stand.
 *
 * A list that begins later than the log proves less, and one that ends earlier too: what follows the last published seal it cannot speak for.
 */
import type { StoredCommit } from '../log/port.js'
import { type TrustedKeys, trustProblem } from './check-proof.js'
import { finding } from './commit-findings.js'
import type { Finding } from './findings.js'
import type { PublishedSeal } from './published-seals.js'
import { type Seal, sealHash, signatureProblem } from './seal.js'

/** One line of a published list; without a seal when it is none. */
export interface PublishedLine {
  readonly line: number
  readonly seal: PublishedSeal | undefined
}

export interface PublishedPlace {
  readonly logId: string
  readonly partition: number
  readonly fromSeq: number
  readonly trusted: TrustedKeys
}

export class PublishedCheck {
  readonly #lines: AsyncIterator<PublishedLine>
  readonly #place: PublishedPlace
  /** The next published seal; undefined behind the last. */
  #next: PublishedSeal | undefined
  #last: Seal | undefined

  constructor(lines: AsyncIterable<PublishedLine>, place: PublishedPlace) {
    this.#lines = lines[Symbol.asyncIterator]()
    this.#place = place
  }

  /** Reads up to the first seal that the audit comes to. */
  begin(): Promise<Finding | undefined> {
    return this.#advance()
  }

  expectsAt(seq: number): boolean {
    return this.#next?.seq === seq
  }

  /** `found` is the seal that stands at the place expected. */
  async at(commit: StoredCommit, found: Seal | undefined): Promise<Finding | undefined> {
    const published = this.#next?.seal
    if (published === undefined) return undefined
    if (found === undefined || sealHash(found) !== sealHash(published)) {
      return finding(commit, 'unsealed', 'another seal was published here', published.root, found?.root ?? 'no seal')
    }
    return this.#advance()
  }

  /** Behind the end of the log; `tip` is where it ends by now. */
  behind(headSeq: number, tip: number): Finding | undefined {
    const next = this.#next
    // A seal that was made after the audit began is for the next audit.
    if (next === undefined || next.seq <= tip) return undefined
    return {
      kind: 'unsealed',
      at: { partition: this.#place.partition, seq: headSeq + 1 },
      message: 'the log ends before a seal that was published',
      expected: `commits up to ${next.seq}, sealed up to ${next.seal.to_seq}`,
      found: `commits up to ${headSeq}`,
    }
  }

  async close(): Promise<void> {
    await this.#lines.return?.()
  }

  async #advance(): Promise<Finding | undefined> {
    for (;;) {
      const read = await this.#lines.next()
      if (read.done === true) {
        this.#next = undefined
        return undefined
      }
      const { line, seal: published } = read.value
      const message = this.#lineProblem(published?.seal)
      if (published === undefined || message !== undefined) return this.#bad(line, message ?? 'it is no seal')
      if (published.seal.log !== this.#place.logId) return this.#otherLog(published.seal)
      // Two servers that both thought they were the last may have written it twice.
      const isRepeated = this.#last !== undefined && sealHash(this.#last) === sealHash(published.seal)
      this.#last = published.seal
      this.#next = published
      if (!isRepeated && published.seq >= this.#place.fromSeq) return undefined
    }
  }

  #lineProblem(seal: Seal | undefined): string | undefined {
    if (seal === undefined) return 'it is no seal'
    if (seal.partition !== this.#place.partition) return `it is of partition ${seal.partition}`
    const isLinked = this.#last === undefined || seal.previous === sealHash(this.#last) || sealHash(seal) === sealHash(this.#last)
    if (!isLinked) return 'it does not go on from the line before it'
    return signatureProblem(seal) ?? trustProblem(seal, this.#place.trusted)
  }

  #bad(line: number, message: string): Finding {
    const { partition } = this.#place
    return {
      kind: 'bad_publication',
      at: { partition, seq: (this.#last?.to_seq ?? 0) + 1 },
      message: `line ${line} of the published seals is damaged: ${message}`,
    }
  }

  #otherLog(seal: Seal): Finding {
    return {
      kind: 'unsealed',
      at: { partition: this.#place.partition, seq: seal.from_seq },
      toSeq: seal.to_seq,
      message: 'the published seals are of another log: was this one put in its place?',
      expected: seal.log,
      found: this.#place.logId,
    }
  }
}
