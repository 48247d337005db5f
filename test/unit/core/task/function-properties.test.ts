// What holds for every task that runs a durable function, whatever comes to it and in whatever order.
import { isDeepStrictEqual } from 'node:util'
import { evolve, factsOf, fold, isSuspended, NO_TASK, TERMINAL_EVENTS, type TaskEvent, type TaskState } from '@tasker/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { functionPlan } from '../../../support/given.js'
import { arbitraryLife, type Lived } from './random-function.js'

const forEveryLife = (check: (lived: Lived) => void): void => {
  fc.assert(fc.property(arbitraryLife, check), { numRuns: 1_500 })
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
      if (event.type !== 'effect.recorded' || event.kind === 'state') continue
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

test('a function sees each call once and its end once, as its step ended; nothing it called is open after its end (Q5)', () => {
  forEveryLife(({ states, commits }) => {
    const last = states.at(-1)
    if (last?.journal === undefined) return
    const facts = factsOf(last.journal).map(({ fact }) => fact)
    const called = facts.flatMap((fact) => (fact.type === 'call.started' ? [fact.key] : []))
    const ended = facts.flatMap((fact) => (fact.type === 'call.ended' ? [fact.key] : []))
    expect(new Set(called).size).toBe(called.length)
    expect(new Set(ended).size).toBe(ended.length)
    const steps = last.graph.steps.slice(1).map(({ call }, index) => ({ key: call?.key, status: last.steps[index + 1]?.status }))
    expect(steps.map(({ key }) => key)).toEqual(called)
    const open = steps.filter(({ key }) => !ended.includes(key ?? '')).map(({ status }) => status)
    for (const status of open) expect(['pending', 'enqueued', 'in_progress', 'waiting_for_retry']).toContain(status)
    expect(open.length).toBe(last.journal.calls.size)
    if (last.endedAt !== undefined) expect(open).toEqual([])
    const names = commits.flatMap(({ events }) => events.flatMap((event) => (event.type === 'steps.created' ? event.steps : [])))
    expect(new Set(names).size).toBe(names.length)
  })
})
