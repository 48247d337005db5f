/** The journal of a durable function as a snapshot keeps it: its facts in their order, of which the journal in memory is a list from the end. */
import {
  factList,
  type FunctionJournal,
  factsOf,
  type Instant,
  type JournalFact,
  NO_TIMERS,
  type OpenTimer,
  openTimersOf,
  withTimer,
} from '@tasker/core'
import { type Coder, list, mapBy, number, optional, orUndefined, record, text, variants, word } from './coder.js'
import { failure } from './failure-text.js'

type FactOf<Type extends JournalFact['type']> = Extract<JournalFact, { readonly type: Type }>
type Effect = FactOf<'effect.recorded'>
type Outcome = Extract<Effect, { readonly outcome: unknown }>

const outcome = variants<Outcome['outcome'], 'type'>('type', {
  succeeded: record<Extract<Outcome['outcome'], { type: 'succeeded' }>>('succeeded', { type: word('succeeded'), result: text() }),
  failed: record<Extract<Outcome['outcome'], { type: 'failed' }>>('failed', { type: word('failed'), failure }),
  cancelled: record<Extract<Outcome['outcome'], { type: 'cancelled' }>>('cancelled', { type: word('cancelled') }),
})

type Answer = FactOf<'update.answered'>['outcome']

const answer = variants<Answer, 'type'>('type', {
  succeeded: record<Extract<Answer, { type: 'succeeded' }>>('succeeded', { type: word('succeeded'), result: text() }),
  failed: record<Extract<Answer, { type: 'failed' }>>('failed', { type: word('failed'), failure }),
  refused: record<Extract<Answer, { type: 'refused' }>>('refused', { type: word('refused'), failure }),
})

const type = word('effect.recorded')
const outcomeOf = record<Outcome>('outcome', { type, kind: text(), key: text(), outcome })
const patch = record<Extract<Effect, { kind: 'patch' }>>('patch', { type, kind: word('patch'), key: text() })
const state = record<Extract<Effect, { kind: 'state' }>>('state', { type, kind: word('state'), key: text(), value: text() })

const effect: Coder<Effect> = {
  shape: [outcomeOf, patch, state].map(({ shape }) => shape).join('|'),
  write: (fact) => {
    if (fact.kind === 'patch') return patch.write(fact)
    return fact.kind === 'state' ? state.write(fact) : outcomeOf.write(fact)
  },
  read: (json) => {
    const { kind } = json as { readonly kind: unknown }
    if (kind === 'patch') return patch.read(json)
    return kind === 'state' ? state.read(json) : outcomeOf.read(json)
  },
}

const child = record<FactOf<'child.started'>>('child', {
  type: word('child.started'),
  key: text(),
  taskId: text(),
  namespace: text(),
  name: text(),
  version: optional(text()),
  input: text(),
  onClose: text(),
})

const fact = variants<JournalFact, 'type'>('type', {
  'effect.recorded': effect,
  'timer.started': record<FactOf<'timer.started'>>('timer', {
    type: word('timer.started'),
    kind: text(),
    key: text(),
    dueAt: number(),
  }),
  'timer.fired': record<FactOf<'timer.fired'>>('timer', { type: word('timer.fired'), kind: text(), key: text() }),
  'timer.cancelled': record<FactOf<'timer.cancelled'>>('timer', { type: word('timer.cancelled'), kind: text(), key: text() }),
  'signal.received': record<FactOf<'signal.received'>>('signal', {
    type: word('signal.received'),
    name: text(),
    payload: text(),
    number: number(),
    requestId: optional(text()),
  }),
  'update.received': record<FactOf<'update.received'>>('update', {
    type: word('update.received'),
    id: text(),
    name: text(),
    payload: text(),
  }),
  'update.answered': record<FactOf<'update.answered'>>('answer', { type: word('update.answered'), id: text(), outcome: answer }),
  'call.started': record<FactOf<'call.started'>>('call', { type: word('call.started'), key: text(), target: text() }),
  'call.ended': record<FactOf<'call.ended'>>('called', { type: word('call.ended'), key: text(), outcome }),
  'task.cancel_requested': record<FactOf<'task.cancel_requested'>>('cancel', {
    type: word('task.cancel_requested'),
    reason: optional(text()),
  }),
  'child.started': child,
  'child.ended': record<FactOf<'child.ended'>>('child', { type: word('child.ended'), key: text(), taskId: text(), outcome }),
})

interface StoredFact {
  readonly at: Instant
  readonly fact: JournalFact
}

type StoredTimer = Omit<OpenTimer, 'place'>

/** What follows from the facts is not kept. */
type StoredJournal = Omit<FunctionJournal, 'last' | 'keySets' | 'timers'> & {
  readonly timers: ReadonlyMap<string, StoredTimer>
  readonly facts: readonly StoredFact[]
}

const stored = record<StoredJournal>('journal', {
  life: number(),
  input: text(),
  beganAt: number(),
  length: number(),
  timers: mapBy(text(), record('open', { kind: text(), dueAt: number() })),
  children: mapBy(text(), child),
  calls: mapBy(text(), text()),
  called: number(),
  state: mapBy(text(), text()),
  operations: number(),
  signals: number(),
  signalsKept: number(),
  requests: list(text()),
  updates: mapBy(text(), record('update', { name: text(), outcome: orUndefined(answer) })),
  updatesKept: number(),
  diverged: orUndefined(
    record<NonNullable<FunctionJournal['diverged']>>('diverged', {
      type: word('function.diverged'),
      expected: text(),
      actual: text(),
      line: text(),
    }),
  ),
  facts: list(record<StoredFact>('fact', { at: number(), fact })),
})

export const journal: Coder<FunctionJournal> = {
  shape: stored.shape,
  write: (value) => stored.write({ ...value, timers: storedTimers(value), facts: factsOf(value) }),
  read: (json) => {
    const { facts, timers, ...rest } = stored.read(json)
    return { ...rest, ...factList(facts), timers: openTimers(timers, facts) }
  },
}

const storedTimers = ({ timers }: FunctionJournal): StoredJournal['timers'] =>
  new Map(Array.from(openTimersOf(timers), ([key, { kind, dueAt }]) => [key, { kind, dueAt }]))

/** Where a timer was started, the facts say. */
const openTimers = (timers: StoredJournal['timers'], facts: readonly StoredFact[]): FunctionJournal['timers'] => {
  let open = NO_TIMERS
  for (const [place, { fact: started }] of facts.entries()) {
    const timer = started.type === 'timer.started' ? timers.get(started.key) : undefined
    if (started.type === 'timer.started' && timer !== undefined) open = withTimer(open, started.key, { ...timer, place })
  }
  return open
}
