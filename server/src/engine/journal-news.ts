/**
 * What a worker is told of the journal of the function that it runs (W22).
 *
 * N1  News are told as they become durable, in the order of the log; a lease knows how many facts its worker was told.
 * N2  Where that is not known (a stream that came back, a server that started), the journal is told from its beginning.
 */
import { type FunctionJournal, factsOf, type JournalFact, type JournalLink, LIMITS, type LiveTask, RUN_STEP } from '@tasker/core'
import type { Lease } from '../dispatch/worker.js'
import type { Workers } from '../dispatch/workers.js'
import type { FaultDetail } from '../faults.js'
import type { AttemptRef, JournalNews, JournalPiece } from './api.js'

/** Characters of a fact beside what users gave, as a bound for pieces. */
const FACT_CHARS = 64

/** The journal behind the first so many facts, in pieces of bounded size; one at least. */
export const piecesOf = (journal: FunctionJournal, from: number): readonly JournalPiece[] => {
  const pieces: JournalPiece[] = []
  let [links, chars, first]: [JournalLink[], number, number] = [[], 0, from]
  for (const link of factsOf(journal, from)) {
    const more = factChars(link.fact)
    if (links.length > 0 && chars + more > LIMITS.journalPieceCharsMax) {
      pieces.push({ from: first, links })
      ;[first, links, chars] = [first + links.length, [], 0]
    }
    links.push(link)
    chars += more
  }
  return [...pieces, { from: first, links }]
}

const factChars = (fact: JournalFact): number => {
  switch (fact.type) {
    case 'effect.recorded':
      if (fact.kind === 'patch') return FACT_CHARS + fact.key.length
      if (fact.kind === 'state') return FACT_CHARS + fact.key.length + fact.value.length
      return FACT_CHARS + fact.key.length + outcomeChars(fact.outcome)
    case 'call.started':
      return FACT_CHARS + fact.key.length + fact.target.length
    case 'call.ended':
      return FACT_CHARS + fact.key.length + outcomeChars(fact.outcome)
    case 'signal.received':
      return FACT_CHARS + fact.name.length + fact.payload.length
    case 'update.received':
      return FACT_CHARS + fact.id.length + fact.name.length + fact.payload.length
    case 'update.answered':
      return FACT_CHARS + fact.id.length + outcomeChars(fact.outcome)
    case 'task.cancel_requested':
      return FACT_CHARS + (fact.reason?.length ?? 0)
    case 'child.ended':
      return FACT_CHARS + fact.key.length + outcomeChars(fact.outcome)
    // Of its input the function is told nothing.
    case 'child.started':
    case 'timer.started':
    case 'timer.fired':
    case 'timer.cancelled':
      return FACT_CHARS + fact.key.length
  }
}

type Outcome = Extract<JournalFact, { readonly outcome: unknown }>['outcome']

const outcomeChars = (outcome: Outcome): number => {
  if (outcome.type === 'succeeded') return outcome.result.length
  return 'failure' in outcome ? outcome.failure.message.length + (outcome.failure.stack?.length ?? 0) : 0
}

/** What the run of a function is to see first, and what follows at once because it is much; undefined where the task is no function. */
export const firstNews = (
  lease: Lease,
  { journal }: LiveTask,
  { kept }: Workers,
): readonly [JournalPiece, ...JournalNews[]] | undefined => {
  if (journal === undefined || lease.step !== RUN_STEP) return undefined
  const known = kept.take(lease.taskId)
  const keeps = known?.worker === lease.worker.id && known.life === journal.life && known.facts <= journal.length
  const [first, ...rest] = piecesOf(journal, keeps ? known.facts : 0)
  if (first === undefined) return undefined
  lease.told = { life: journal.life, facts: journal.length }
  return [first, ...rest.map((piece) => newsOf(lease, journal.life, piece))]
}

/** An answer to a record, or the end of a run. */
export interface Told {
  readonly recorded?: number
  readonly refused?: FaultDetail | undefined
  readonly pause?: JournalNews['pause']
  readonly asProposed?: boolean
}

/** What the worker does not know of the journal yet; with `told` in any case, otherwise only if there is anything. */
export const tellNews = (lease: Lease, journal: FunctionJournal, workers: Workers, told?: Told): void => {
  const { port } = lease.worker
  if (port === undefined || !lease.sent) return
  const known = lease.told?.life === journal.life ? lease.told.facts : undefined
  lease.told = { life: journal.life, facts: journal.length }
  const pieces = piecesOf(journal, known ?? 0)
  if (known === journal.length && told === undefined) return
  pieces.forEach((piece, index) => {
    const began = known === undefined && index === 0 ? { input: journal.input, at: journal.beganAt } : undefined
    const answer = index === pieces.length - 1 ? told : undefined
    const asProposed = told?.asProposed === true && known !== undefined
    port.news({ ...newsOf(lease, journal.life, piece), ...answer, asProposed, began })
  })
  workers.flushSoon(port)
}

/** N2. */
export const tellAgain = (lease: Lease, journal: FunctionJournal, workers: Workers): void => {
  lease.told = undefined
  tellNews(lease, journal, workers)
}

export const newsOf = ({ taskId, step, attempt }: AttemptRef, life: number, { from, links }: JournalPiece): JournalNews => ({
  taskId,
  step,
  attempt,
  life,
  from,
  links,
  asProposed: false,
  recorded: 0,
  refused: undefined,
  pause: undefined,
  began: undefined,
})

/** News without facts. */
export const NO_FACTS: JournalPiece = { from: 0, links: [] }
