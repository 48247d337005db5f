/** Random lives of tasks that run a durable function: early, late, repeated and wrong commands among them. */
import {
  decide,
  durationMs,
  evolve,
  factsOf,
  fold,
  stepId,
  trustedJson,
  workerId,
  type EffectOutcome,
  type Instant,
  type JournalProposal,
  type LiveTask,
  type TaskCommand,
  type TaskEvent,
} from '@tasker/core'
import fc from 'fast-check'
import { at, call, effect, failure, functionPlan, permanently, sleepUntil, stateAfter, submit } from '../../../support/given.js'

const RUN = stepId('run')
const KINDS = [
  ...['start', 'start', 'start', 'record', 'record', 'suspend', 'suspend', 'signal', 'timer_due', 'timer_due'],
  ...['complete', 'fail', 'lost', 'retry_due', 'stopped', 'release', 'cancel', 'diverge', 'continue', 'retry', 'pause', 'resume'],
  ...['call_start', 'call_start', 'call_end', 'call_fail', 'call_lost', 'call_stopped', 'call_by_hand', 'call_retry'],
] as const
const KEYS = ['a', 'b', 'c'] as const

export interface Move {
  readonly kind: (typeof KINDS)[number]
  readonly key: (typeof KEYS)[number]
  readonly isHolder: boolean
  readonly pick: number
  readonly isCurrent: boolean
  readonly unseen: number
  readonly advanceMs: number
}

const move: fc.Arbitrary<Move> = fc.record({
  kind: fc.constantFrom(...KINDS),
  key: fc.constantFrom(...KEYS),
  isHolder: fc.boolean().chain((no) => (no ? fc.boolean() : fc.constant(true))),
  isCurrent: fc.boolean().chain((no) => (no ? fc.boolean() : fc.constant(true))),
  unseen: fc.constantFrom(0, 0, 0, 1),
  pick: fc.nat(100),
  advanceMs: fc.nat(2_000),
})

const ENDS: readonly EffectOutcome[] = [
  { type: 'succeeded', result: trustedJson('{"n":1}') },
  { type: 'failed', failure: { ...failure('refused', { code: 'CARD', stack: 'at pay' }), retryAfterMs: durationMs(5) } },
  { type: 'cancelled' },
]

/** Each kind of effect, and each kind of timer. */
const proposalsOf = (key: string, pick: number, ms: number): readonly JournalProposal[] => {
  const end = ENDS[pick % ENDS.length]
  const timer = sleepUntil(`sleep ${key}`, ms + 1_000, pick % 2 === 0 ? 'timer' : 'signal')
  switch (pick % 5) {
    case 0:
      return [effect(key), timer]
    case 1:
      return [{ type: 'effect.recorded', kind: 'send', key: `send ${key}`, outcome: end ?? { type: 'cancelled' } }, timer]
    case 2:
      return [
        { type: 'effect.recorded', kind: 'patch', key: `patch ${key}` },
        { type: 'effect.recorded', kind: 'state', key: `state ${key}`, value: trustedJson(String(pick)) },
      ]
    case 3:
      return [call(`call ${key}`), call(`other ${key}`), timer]
    default:
      return [{ type: 'effect.recorded', kind: 'step', key: `ended ${key}`, outcome: end ?? { type: 'cancelled' } }, timer]
  }
}

/** Every second signal of its journal, or none. */
const unreadOf = ({ journal }: LiveTask, pick: number): readonly number[] =>
  journal === undefined || pick % 2 === 0
    ? []
    : factsOf(journal).flatMap(({ fact }) => (fact.type === 'signal.received' && fact.number % 2 === 1 ? [fact.number] : []))

/** One of its calls, or its run where it called nobody. */
const attemptOfCall = ({ steps, graph }: LiveTask, pick: number, ms: number) => {
  const index = steps.length < 2 ? 0 : 1 + (pick % (steps.length - 1))
  const step = steps[index]
  const worker = step?.status === 'in_progress' ? step.worker : workerId('w1')
  return { at: at(ms), step: graph.steps[index]?.name ?? RUN, attempt: step?.attempts ?? 1, worker }
}

const commandOf = (task: LiveTask, { kind, key, isHolder, isCurrent, unseen, pick }: Move, ms: number): TaskCommand => {
  const run = task.steps[0]
  const holder = run?.status === 'in_progress' ? run.worker : workerId('w1')
  const by = { at: at(ms), attempt: (run?.attempts ?? 1) - (isCurrent ? 0 : 1), worker: isHolder ? holder : workerId('other') }
  const of = { ...by, step: RUN }
  const ofCall = attemptOfCall(task, pick, ms)
  switch (kind) {
    case 'start':
      return { type: 'start', ...of }
    case 'record':
      return {
        type: 'record',
        ...by,
        proposals: [
          ...proposalsOf(key, pick, ms),
          { type: 'cancel', key: 'sleep c' },
          ...(pick % 3 === 0 ? [{ type: 'cancel', key: 'call c' } as const] : []),
        ],
      }
    case 'suspend':
      return { type: 'suspend', ...by, seen: (task.journal?.length ?? 0) - unseen }
    case 'signal':
      return {
        type: 'signal',
        at: at(ms),
        name: key,
        payload: trustedJson('1'),
        ...(pick % 2 === 0 ? {} : { requestId: `r${ms}` }),
      }
    case 'timer_due':
      return { type: 'timer_due', at: at(ms), key: `sleep ${key}` }
    case 'complete':
      return { type: 'complete', ...of, output: trustedJson('1') }
    case 'fail':
      return { type: 'fail', ...of, failure: permanently, draw: 0.5 }
    case 'lost':
      return { type: 'fail', ...of, failure: failure('gone', { code: 'WORKER_LOST' }), draw: 0.5 }
    case 'stopped':
      return { type: 'stopped', ...of }
    case 'release':
      return { type: 'release', ...of, reason: 'never sent' }
    case 'retry_due':
      return { type: 'retry_due', ...of }
    case 'diverge':
      return { type: 'diverge', ...by, expected: 'a', actual: 'b', line: '' }
    case 'continue':
      return { type: 'continue', ...by, input: trustedJson('2'), seen: task.journal?.length ?? 0, unread: unreadOf(task, pick) }
    case 'cancel':
      return { type: kind, at: at(ms), ...(pick % 2 === 0 ? {} : { reason: 'no more' }) }
    case 'call_start':
      return { type: 'start', ...ofCall }
    case 'call_end':
      return { type: 'complete', ...ofCall, output: trustedJson(String(pick)) }
    case 'call_fail':
      return { type: 'fail', ...ofCall, failure: permanently, draw: 0.5 }
    case 'call_lost':
      return { type: 'fail', ...ofCall, failure: failure('gone', { code: 'WORKER_LOST' }), draw: 0.5 }
    case 'call_stopped':
      return { type: 'stopped', ...ofCall }
    case 'call_by_hand':
      return { type: 'resolve_step', at: at(ms), step: ofCall.step }
    case 'call_retry':
      return { type: 'retry_due', ...ofCall }
    case 'retry':
    case 'pause':
    case 'resume':
      return { type: kind, at: at(ms) }
  }
}

export interface Lived {
  readonly states: readonly LiveTask[]
  readonly commits: readonly { readonly at: Instant; readonly events: readonly TaskEvent[] }[]
}

const play = (moves: readonly Move[]): Lived => {
  let state = stateAfter(functionPlan, [])
  let ms = 0
  const states: LiveTask[] = []
  const commits: { at: Instant; events: readonly TaskEvent[] }[] = []
  const take = (command: TaskCommand): void => {
    const decision = decide(state, command)
    if (decision.type === 'refused' || decision.events.length === 0) return
    state = fold((folded, event: TaskEvent) => evolve(folded, event, command.at, functionPlan), state, decision.events)
    commits.push({ at: command.at, events: decision.events })
    if (state.type === 'task') states.push(state)
  }
  take(submit()(functionPlan))
  for (const each of moves) {
    ms += each.advanceMs
    const task = states.at(-1)
    if (task !== undefined) take(commandOf(task, each, ms))
  }
  return { states, commits }
}

export const arbitraryLife: fc.Arbitrary<Lived> = fc.array(move, { maxLength: 60, size: 'max' }).map(play)
