import {
  archivedTask,
  BugError,
  decide,
  evolve,
  NO_TASK,
  type TaskArchived,
  type TaskCommand,
  type TaskState,
  TERMINAL_EVENTS,
} from '@tasker/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  at,
  cancel,
  complete,
  fail,
  failTask,
  given,
  type Order,
  order,
  permanently,
  plan,
  start,
  step,
  submit,
  taskAfter,
} from '../../../support/given.js'
import { arbitraryRun, play } from './random-run.js'

const single = plan(step('a'))
const HASH = 'ab'.repeat(32)

const archive =
  (more: { readonly identity?: string } = {}): Order =>
  () => ({ type: 'archive', at: at(100), archive: 'shop/one', versions: 5, commits: 3, lastSeq: 9, lastHash: HASH, ...more })

const done = [submit(), start('a'), complete('a', '1', { at: 9 })]
const archived: TaskArchived = {
  type: 'task.archived',
  archive: 'shop/one',
  versions: 5,
  commits: 3,
  lastSeq: 9,
  lastHash: HASH,
  name: 'task',
  version: '1.0.0',
  status: 'complete',
  submittedAt: at(0),
  endedAt: at(9),
}

describe('a task that is over', () => {
  test.each([
    ['complete', done],
    ['cancelled', [submit(), cancel()]],
    ['error', [submit(), failTask()]],
    ['resolved_manually', [submit(), start('a'), fail('a', permanently), order('resolve')]],
  ] as const)('%s is archived with how it ended', (status, history) => {
    given(single, ...history)
      .when(archive())
      .thenEvents((events) =>
        expect(events).toMatchObject([{ type: 'task.archived', status, archive: 'shop/one', lastHash: HASH }]),
      )
  })

  test('says all that is kept of it', () => {
    given(single, ...done)
      .when(archive())
      .then({
        ...archived,
        name: taskAfter(single, ...done).submitted.name,
        version: taskAfter(single, ...done).submitted.version,
      })
    given(single, ...done)
      .when(archive({ identity: 'scope' }))
      .thenEvents((events) => expect(events).toMatchObject([{ identity: 'scope' }]))
  })
})

test.each([
  ['waiting', [submit({ runAt: at(1_000) })]],
  ['running', [submit()]],
  ['blocked', [submit(), start('a'), fail('a', permanently)]],
  ['cancelling', [submit(), start('a'), cancel()]],
] as const)('a task that is %s is not archived', (_phase, history) => {
  given(single, ...history)
    .when(archive())
    .thenRefused('TASK_NOT_FINISHED')
})

test('nobody archives what never was', () => {
  given(single).when(archive()).thenRefused('TASK_NOT_FOUND')
})

describe('an archived task', () => {
  const state = archivedTask(archived, at(100))

  test('refuses every command, its submission and its archiving too', () => {
    const commands: readonly TaskCommand[] = [
      ...[archive(), submit(), start('a'), complete('a'), fail('a'), cancel(), failTask(), order('pause'), order('retry')].map(
        (one) => one(single),
      ),
    ]
    for (const command of commands)
      expect(decide(state, command), command.type).toMatchObject({
        type: 'refused',
        refusal: { reason: 'TASK_ARCHIVED', code: 'INVALID_STATE' },
      })
  })

  test('is the same whether the events before are there or not', () => {
    const whole = evolve(taskAfter(single, ...done), archived, at(100), single)
    const alone = evolve(NO_TASK, archived, at(100), single)
    expect(whole).toEqual(state)
    expect(alone).toEqual(state)
  })

  test('takes no event more, and a task that is not over takes none of archiving', () => {
    expect(() => evolve(state, archived, at(101), single)).toThrow(BugError)
    expect(() => evolve(state, { type: 'task.completed' }, at(101), single)).toThrow(BugError)
    expect(() => evolve(taskAfter(single, submit()), archived, at(100), single)).toThrow(BugError)
  })
})

test('whatever a task went through, it is archived when it is over and only then, once', () => {
  fc.assert(
    fc.property(arbitraryRun, (run) => {
      const { state, commits } = play(run, {})
      const isOver = commits.some(({ events }) => events.some(({ type }) => TERMINAL_EVENTS.has(type)))
      const command = archive()(run.plan)
      const decision = decide(state, command)
      expect(decision.type === 'accepted').toBe(isOver)
      if (decision.type === 'refused') return
      const after = decision.events.reduce<TaskState>((folded, event) => evolve(folded, event, command.at, run.plan), state)
      expect(after.type).toBe('archived')
      expect(decide(after, command)).toMatchObject({ type: 'refused', refusal: { reason: 'TASK_ARCHIVED' } })
    }),
    { numRuns: 200 },
  )
})
