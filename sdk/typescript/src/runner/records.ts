/**
 * What one attempt hands in (W21): numbered without gaps, kept until it is answered, sent again after a reconnect.
 *
 * What was refused and may be taken later is a new record then: those behind it may have been recorded, and its number is used.
 */
import type { AttemptRef, JournalProposal, JournalRecord } from '@tasker/proto'
import type { AsProposed } from './wire-entries.js'

export class Records {
  readonly #ref: AttemptRef
  readonly #say: (record: JournalRecord) => void
  readonly #unanswered: { readonly record: JournalRecord; readonly whenRecorded: () => void }[] = []
  /** Refused, and to be handed in again. */
  #later = 0
  #number = 0

  constructor(ref: AttemptRef, say: (record: JournalRecord) => void) {
    this.#ref = ref
    this.#say = say
  }

  get unanswered(): readonly JournalRecord[] {
    return this.#unanswered.map(({ record }) => record)
  }

  get areAnswered(): boolean {
    return this.#unanswered.length === 0 && this.#later === 0
  }

  /** Gives its number. */
  handIn(
    life: number,
    proposals: readonly JournalProposal[],
    ending?: JournalRecord['ending'],
    whenRecorded: () => void = () => undefined,
  ): number {
    const number = ++this.#number
    const record: JournalRecord = { ref: this.#ref, number, life, proposals: [...proposals], ending }
    this.#unanswered.push({ record, whenRecorded })
    this.#say(record)
    return number
  }

  /** The answer to a record, which may come twice. */
  answered(number: number): void {
    const [first] = this.#unanswered
    if (first?.record.number !== number) return
    this.#unanswered.shift()
    first.whenRecorded()
  }

  /** A record was refused that may be taken later. Gives the way to hand it in again; a suspension is asked for anew when it is time. */
  later(number: number): (() => void) | undefined {
    const [first] = this.#unanswered
    if (first?.record.number !== number) return undefined
    this.#unanswered.shift()
    this.#later++
    return () => {
      this.#later--
      const { life, proposals, ending } = first.record
      const last = ending?.$case === 'suspend' ? undefined : ending
      if (proposals.length > 0 || last !== undefined) this.handIn(life, proposals, last, first.whenRecorded)
      else first.whenRecorded()
    }
  }

  /** What of a life was handed in and not answered, by its key; each is given once. */
  proposed(life: number): AsProposed {
    const taken = new Set<JournalProposal>()
    return (key, of) => {
      for (const { record } of this.#unanswered) {
        if (record.life !== life) continue
        const found = record.proposals.find(
          (proposal) => proposal.key === key && proposal.proposal?.$case === of && !taken.has(proposal),
        )
        if (found === undefined) continue
        taken.add(found)
        return found.proposal
      }
      return undefined
    }
  }
}
