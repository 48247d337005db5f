// What holds for every task that runs a durable function, whatever comes to it and in whatever order.
import { isDeepStrictEqual } from 'node:util'
import {
  decide,
  evolve,
  fold,
  isSuspended,
  NO_TASK,
  stepId,
  TERMINAL_EVENTS,
  trustedJson,
  workerId,
  type LiveTask,
  type Instant,
  type TaskCommand,
  type TaskEvent,
  type TaskState,
} from '@tasker/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { at, effect, failure, functionPlan, permanently, sleepUntil, stateAfter, submit } from '../../../support/given.js'

const RUN = stepId('run')
const KINDS = [
  ...['start', 'start', 'start', 'record', 'record', 'suspend', 'suspend', 'signal', 'timer_due', 'timer_due'],
  ...['complete', 'fail', 'lost', 'retry_due', 'stopped', 'release', 'cancel', 'diverge', 'continue', 'retry', 'pause', 'resume'],
] as const
const KEYS = ['a', 'b', 'c'] as const

interface Move {
  readonly kind: (typeof KINDS)[number]
  readonly key: (typeof KEYS)[number]
  readonly isHolder: boolean
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
  advanceMs: fc.nat(2_000),
})

const commandOf = (task: LiveTask, { kind, key, isHolder, isCurrent, unseen }: Move, ms: number): TaskCommand => {
  const run = task.steps[0]
  const holder = run?.status === 'in_progress' ? run.worker : workerId('w1')
  const by = { at: at(ms), attempt: (run?.attempts ?? 1) - (isCurrent ? 0 : 1), worker: isHolder ? holder : workerId('other') }
  const of = { ...by, step: RUN }
  switch (kind) {
    case 'start':
      return { type: 'start', ...of }
    case 'record':
      return {
        type: 'record',
        ...by,
        proposals: [effect(key), sleepUntil(`sleep ${key}`, ms + 1_000), { type: 'cancel', key: 'sleep c' }],
      }
    case 'suspend':
      return { type: 'suspend', ...by, seen: (task.journal?.length ?? 0) - unseen }
    case 'signal':
      return { type: 'signal', at: at(ms), name: key, payload: trustedJson('1') }
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
      return { type: 'continue', ...by, input: trustedJson('2'), seen: task.journal?.length ?? 0, unread: [] }
    case 'cancel':
    case 'retry':
    case 'pause':
    case 'resume':
      return { type: kind, at: at(ms) }
  }
}

interface Lived {
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

const forEveryLife = (check: (lived: Lived) => void): void => {
  fc.assert(fc.property(fc.array(move, { maxLength: 60 }).map(play), check), { numRuns: 1_500 })
}

test('a function folded from its log, through text, is the function that was alive', () => {
  forEveryLife(({ states, commits }) => {
    const texts = commits.map((commit) => ({ ...commit, events: JSON.parse(JSON.stringify(commit.events)) as TaskEvent[] }))
    const folded = texts.reduce<TaskState>(
      (state, { at: when, events }) => fold((task, event: TaskEvent) => evolve(task, event, when, functionPlan), state, events),
      NO_TASK,
    )
    if (!isDeepStrictEqual(folded, states.at(-1))) expect(folded).toStrictEqual(states.at(-1))
  })
})

test('no fact is missed by a function that waits (Q2)', () => {
  forEveryLife(({ states }) => {
    let seen: number | undefined
    for (const task of states) {
      const length = task.journal?.length
      if (!isSuspended(task)) seen = undefined
      else if (task.journal?.diverged === undefined) expect((seen ??= length)).toBe(length)
    }
  })
})

test('an effect is recorded once between two beginnings, and nothing follows the end', () => {
  forEveryLife(({ commits }) => {
    const events = commits.flatMap((commit) => commit.events)
    const keys = new Set<string>()
    for (const event of events) {
      if (event.type === 'function.continued') keys.clear()
      if (event.type !== 'effect.recorded') continue
      expect(keys.has(event.key)).toBe(false)
      keys.add(event.key)
    }
    const end = events.findIndex(({ type }) => TERMINAL_EVENTS.has(type))
    if (end >= 0) expect(end).toBe(events.length - 1)
  })
})

test('a function that can go on is with a worker, is ready for one, waits for a retry, or waits for what its journal waits for', () => {
  forEveryLife(({ states }) => {
    const last = states.at(-1)
    if (last === undefined || last.endedAt !== undefined || last.journal?.diverged !== undefined) return
    expect(['pending', 'enqueued', 'in_progress', 'waiting_for_retry']).toContain(last.steps[0]?.status)
  })
})
