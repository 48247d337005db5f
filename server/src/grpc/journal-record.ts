/** The wall for what runs of durable functions hand in: read whole, or not recorded and answered with the reason (W21). */
import { type AfterRecord, instant, LIMITS, namespaceOf, type UpdateAnswered } from '@tasker/core'
import type {
  JournalChild,
  JournalOutcome,
  JournalProposal as WireProposal,
  JournalRecord as WireRecord,
  JournalSignal,
  JournalTimer,
  JournalUpdateAnswer,
} from '@tasker/proto'
import type { HandedIn, JournalRecord } from '../engine/api.js'
import { attemptRef } from './attempt-ref.js'
import { callFrom } from './call-proposal.js'
import { cut, failureFrom } from './failure.js'
import { jsonFrom, Unreadable } from './record-values.js'

export type ReadRecord =
  | { readonly type: 'record'; readonly record: JournalRecord }
  /** Not even a key to answer. */
  | { readonly type: 'keyless'; readonly message: string }

type Outcome = Exclude<Extract<HandedIn, { readonly outcome: unknown }>, UpdateAnswered>['outcome']

export const readRecord = (wire: WireRecord): ReadRecord => {
  if (wire.ref === undefined) return { type: 'keyless', message: 'it names no attempt' }
  const ref = attemptRef(wire.ref)
  if (ref.type === 'nonsense') return { type: 'keyless', message: ref.message }
  if (wire.number < 1) return { type: 'keyless', message: 'records are numbered from 1' }
  const key = { ...ref.ref, number: wire.number, life: wire.life }
  try {
    const proposals = wire.proposals.map(proposalFrom)
    return {
      type: 'record',
      record: { ...key, proposals, then: endingFrom(wire.ending), keeps: keepsOf(wire.ending), problem: undefined },
    }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    return { type: 'record', record: { ...key, proposals: [], then: undefined, keeps: false, problem: error.detail } }
  }
}

const endingFrom = (ending: WireRecord['ending']): AfterRecord | undefined => {
  switch (ending?.$case) {
    case undefined:
      return undefined
    case 'suspend':
      return { type: 'suspend', seen: ending.value.seen }
    case 'diverged': {
      const { expected, actual, line } = ending.value
      return { type: 'diverge', expected: inWords(expected), actual: inWords(actual), line: inWords(line) }
    }
    case 'continued': {
      const { input, seen, unread } = ending.value
      const text = jsonFrom(input, LIMITS.contextBytesMax, 'the input that the function continues with')
      return { type: 'continue', input: text, seen, unread }
    }
  }
}

const keepsOf = (ending: WireRecord['ending']): boolean => ending?.$case === 'suspend' && ending.value.keeps

const inWords = (text: string): string => cut(text, LIMITS.failureMessageCharsMax)

const proposalFrom = ({ key, proposal }: WireProposal): HandedIn => {
  if (proposal?.$case === 'answer') return answerFrom(proposal.value)
  if (key === '' || key.length > LIMITS.journalKeyCharsMax)
    throw new Unreadable('RECORD_NOT_READ', `a key has 1 to ${LIMITS.journalKeyCharsMax} characters`)
  switch (proposal?.$case) {
    case 'step':
      return { type: 'effect.recorded', kind: 'step', key, outcome: outcomeFrom(proposal.value, key) }
    case 'timer':
      return { type: 'timer', kind: proposal.value.forSignal ? 'signal' : 'timer', key, dueAt: dueAtOf(proposal.value) }
    case 'cancel':
      return { type: 'cancel', key }
    case 'patch':
      return { type: 'effect.recorded', kind: 'patch', key }
    case 'state': {
      const value = jsonFrom(proposal.value, LIMITS.functionStateBytesMax, `the state ${key}`)
      return { type: 'effect.recorded', kind: 'state', key, value }
    }
    case 'call':
      return { type: 'call', call: callFrom(key, proposal.value) }
    case 'child':
      return childFrom(proposal.value, key)
    case 'send':
      return sendFrom(proposal.value, key)
    case undefined:
      throw new Unreadable('RECORD_NOT_READ', `a proposal with the key ${key} says nothing`)
  }
}

const sendFrom = ({ taskId, name, payload }: JournalSignal, key: string): HandedIn => {
  if (name === '' || name.length > LIMITS.nameCharsMax)
    throw new Unreadable('RECORD_NOT_READ', `the name of a signal has 1 to ${LIMITS.nameCharsMax} characters`)
  return {
    type: 'send',
    key,
    taskId: taskId.slice(0, LIMITS.nameCharsMax),
    name,
    payload: jsonFrom(payload, LIMITS.signalBytesMax, `the payload of the signal ${name}`),
  }
}

/** A namespace that is not said is the parent's, a version that is not said the newest. */
const childFrom = ({ namespace, name, version, input, abandoned }: JournalChild, key: string): HandedIn => {
  for (const text of [namespace, name, version]) {
    if (text.length > LIMITS.nameCharsMax)
      throw new Unreadable('RECORD_NOT_READ', `the child ${key} has names of more than ${LIMITS.nameCharsMax} characters`)
  }
  if (name === '') throw new Unreadable('RECORD_NOT_READ', `the child ${key} has no name`)
  return {
    type: 'child',
    key,
    namespace: namespace === '' ? undefined : namespaceOf(namespace),
    name,
    ...(version === '' ? {} : { version }),
    input: jsonFrom(input, LIMITS.contextBytesMax, `the input of the child ${key}`),
    onClose: abandoned ? 'abandon' : 'cancel',
  }
}

/** The last instant of the calendar. */
const DUE_AT_MS_MAX = 8.64e15

const dueAtOf = ({ dueAtMs }: JournalTimer) => instant(Math.min(dueAtMs, DUE_AT_MS_MAX))

const outcomeFrom = ({ outcome }: JournalOutcome, key: string): Outcome => {
  switch (outcome?.$case) {
    case 'succeeded':
      return { type: 'succeeded', result: jsonFrom(outcome.value, LIMITS.resultBytesMax, `the result of ${key}`) }
    case 'failed':
      return { type: 'failed', failure: failureFrom(outcome.value) }
    case 'cancelled':
      return { type: 'cancelled' }
    case undefined:
      throw new Unreadable('RECORD_NOT_READ', `the step ${key} has no outcome`)
  }
}

const answerFrom = ({ id, outcome }: JournalUpdateAnswer): UpdateAnswered => {
  const type = 'update.answered'
  switch (outcome?.$case) {
    case 'succeeded': {
      const result = jsonFrom(outcome.value, LIMITS.updateBytesMax, `the answer to the update ${id}`)
      return { type, id, outcome: { type: 'succeeded', result } }
    }
    case 'failed':
    case 'refused':
      return { type, id, outcome: { type: outcome.$case, failure: failureFrom(outcome.value) } }
    case undefined:
      throw new Unreadable('RECORD_NOT_READ', `the update ${id} has no outcome`)
  }
}
