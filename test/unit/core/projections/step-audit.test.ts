/** The audit of one step, folded from events alone. */
import {
  type LiveTask,
  NO_TASK,
  type RecordedTaskEvent,
  StepAudit,
  type StepAuditEntry,
  decide,
  evolve,
  stepId,
  versionNumber,
} from '@tasker/core'
import { expect, test } from 'vitest'
import { byHand, cancel, complete, graceOver, type Order, plan, start, step, submit } from '../../../support/given.js'

const pair = plan(step('a'), step('b', { after: ['a'] }))

const auditOf = (name: string, ...orders: readonly Order[]): readonly StepAuditEntry[] => {
  const audit = new StepAudit(stepId(name), pair)
  let task: LiveTask | undefined
  let version = 0
  return orders.flatMap((order) => {
    const command = order(pair)
    const decision = decide(task ?? NO_TASK, command)
    if (decision.type === 'refused') throw new Error(decision.refusal.message)
    return decision.events.flatMap((event) => {
      const next = evolve(task ?? NO_TASK, event, command.at, pair)
      if (next.type === 'task') task = next
      version += 1
      const recorded: RecordedTaskEvent = {
        version: versionNumber(version),
        at: command.at,
        event,
        cause: { actor: 'me', command: 'x' },
      }
      return audit.add(recorded) ?? []
    })
  })
}

test('only what is about the step is told, from its creation on', () => {
  const told = auditOf('b', submit(), start('a'), complete('a'), start('b'))
  expect(told.map(({ event, version }) => [event, version])).toEqual([
    ['steps.created', 2],
    ['step.scheduled', 6],
    ['step.started', 7],
  ])
})

test('an attempt that is taken away tells how long it ran, and by whom', () => {
  const told = auditOf('a', submit(), start('a', { at: 10 }), byHand('resolve_step', 'a', { at: 35, reason: 'done', by: 'ops' }))
  expect(told.at(-1)).toMatchObject({
    executionTimeMs: 25,
    workerId: 'w1',
    success: true,
    reason: 'done',
    by: 'ops',
    attempt: undefined,
  })
})

test('a step that is cancelled while it runs did not succeed', () => {
  const told = auditOf('a', submit(), start('a', { at: 10 }), cancel(undefined, 20), graceOver(10_020))
  expect(told.at(-1)).toMatchObject({ event: 'step.cancelled', success: false, fromState: 'in_progress', toState: 'cancelled' })
})
