/** Why a durable function between two runs does not run: it waits for what it called, sleeps, waits for a signal, or its code does not fit its journal. */
import { instantText } from '../kernel/instant.js'
import { nextDueAt } from '../function/journal.js'
import type { LiveTask } from '../task/state.js'
import { suspendedFor } from '../task/suspended.js'
import type { Told } from './reasons.js'

export const suspendedReason = (task: LiveTask): Told => {
  const until = task.journal === undefined ? undefined : nextDueAt(task.journal)
  const due = until === undefined ? {} : { until }
  switch (suspendedFor(task)) {
    case 'child':
      return {
        reason: 'child',
        why: `The function waits for ${childrenText(task)}.`,
        unblockedBy: 'The end of its children. A child that is blocked waits for a person itself.',
        ...due,
      }
    case 'call': {
      const waitsFor = [...(task.journal?.calls.keys() ?? [])]
      return {
        reason: 'call',
        why: `The function waits for ${waitsFor.length === 1 ? 'a handler' : `${waitsFor.length} handlers`} that it called.`,
        unblockedBy:
          until === undefined
            ? 'Their end. Or a signal.'
            : `Their end, a timer that is due at ${instantText(until)}, or a signal.`,
        waitsFor,
        ...due,
      }
    }
    case 'timer':
      return {
        reason: 'timer',
        why: 'The function sleeps.',
        unblockedBy: `Time: a timer is due${until === undefined ? '' : ` at ${instantText(until)}`}. Or a signal.`,
        ...due,
      }
    case 'signal':
      return {
        reason: 'signal',
        why: 'The function waits for a signal.',
        unblockedBy: until === undefined ? 'A signal.' : `A signal, or time: its wait ends at ${instantText(until)}.`,
        ...due,
      }
    case 'person':
      return { reason: 'divergence', why: divergedText(task), unblockedBy: WAYS_ON }
  }
}

/** Children that are named; of more there is a number. */
const NAMED_MAX = 3

const childrenText = ({ journal }: LiveTask): string => {
  const children = [...(journal?.children.values() ?? [])]
  const named = children.slice(0, NAMED_MAX).map(({ key, taskId }) => `${key} (task ${taskId})`)
  const more = children.length - named.length
  return `its ${children.length === 1 ? 'child' : 'children'} ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

const WAYS_ON = 'A person: bring back the code it began with, or put what is new behind `patched`, and retry the task.'

/** What the journal holds, and what the code asked for in its place. */
export const divergedText = ({ journal }: LiveTask): string => {
  const { expected = '', actual = '', line = '' } = journal?.diverged ?? {}
  return `Its journal has ${expected} where its code asked for ${actual}${line === '' ? '' : ` (${line})`}.`
}
