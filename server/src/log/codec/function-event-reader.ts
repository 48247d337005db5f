/** The stored events of a durable function's journal, back into their types. */
import {
  type EffectOutcome,
  type EffectRecorded,
  type FunctionEvent,
  instant,
  namespaceOf,
  PARENT_CLOSES,
  sliceMembers,
  type TaskId,
  type UpdateOutcome,
  unreachable,
} from '@tasker/core'
import type { EventFields } from './event-fields.js'
import { optional, readFailure } from './read-failure.js'

type Readers = {
  readonly [Type in FunctionEvent['type']]: (fields: EventFields) => Extract<FunctionEvent, { readonly type: Type }>
}

const TIMER_KINDS = ['timer', 'signal'] as const

const timer = (f: EventFields) => ({ kind: f.choice('kind', TIMER_KINDS), key: f.text('key') })

export const FUNCTION_READERS: Readers = {
  'effect.recorded': (f) => effect(f),
  'timer.started': (f) => ({ type: 'timer.started', ...timer(f), dueAt: instant(f.number('dueAt')) }),
  'timer.fired': (f) => ({ type: 'timer.fired', ...timer(f) }),
  'timer.cancelled': (f) => ({ type: 'timer.cancelled', ...timer(f) }),
  'signal.received': (f) => ({
    type: 'signal.received',
    name: f.text('name'),
    payload: f.raw('payload'),
    number: f.number('number'),
    ...optional('requestId', f.optionalText('requestId')),
  }),
  'update.received': (f) => ({ type: 'update.received', id: f.text('id'), name: f.text('name'), payload: f.raw('payload') }),
  'update.answered': (f) => ({
    type: 'update.answered',
    id: f.text('id'),
    outcome: updateOutcome(f.inside('outcome', sliceMembers)),
  }),
  'function.diverged': (f) => ({
    type: 'function.diverged',
    expected: f.text('expected'),
    actual: f.text('actual'),
    line: f.text('line'),
  }),
  'function.continued': (f) => ({
    type: 'function.continued',
    input: f.raw('input'),
    unread: f.numbers('unread'),
  }),
  'child.started': (f) => ({
    type: 'child.started',
    ...child(f),
    namespace: namespaceOf(f.text('namespace')),
    name: f.text('name'),
    ...optional('version', f.optionalText('version')),
    onClose: f.choice('onClose', PARENT_CLOSES),
    input: f.raw('input'),
  }),
  'child.ended': (f) => ({ type: 'child.ended', ...child(f), outcome: outcome(f.inside('outcome', sliceMembers)) }),
}

const child = (f: EventFields) => ({ key: f.text('key'), taskId: f.text('taskId') as TaskId })

const effect = (f: EventFields): EffectRecorded => {
  const type = 'effect.recorded'
  const kind = f.choice('kind', ['step', 'send', 'patch', 'state'])
  const key = f.text('key')
  switch (kind) {
    case 'step':
    case 'send':
      return { type, kind, key, outcome: outcome(f.inside('outcome', sliceMembers)) }
    case 'patch':
      return { type, kind, key }
    case 'state':
      return { type, kind, key, value: f.raw('value') }
    default:
      return unreachable(kind)
  }
}

const outcome = (f: EventFields): EffectOutcome => {
  const type = f.choice('type', ['succeeded', 'failed', 'cancelled'])
  switch (type) {
    case 'succeeded':
      return { type, result: f.raw('result') }
    case 'failed':
      return { type, failure: readFailure(f) }
    case 'cancelled':
      return { type }
    default:
      return unreachable(type)
  }
}

const updateOutcome = (f: EventFields): UpdateOutcome => {
  const type = f.choice('type', ['succeeded', 'failed', 'refused'])
  return type === 'succeeded' ? { type, result: f.raw('result') } : { type, failure: readFailure(f) }
}

type WithPayload = 'effect.recorded' | 'signal.received' | 'function.continued' | `update.${string}` | `child.${string}`

/** What is stored of an event that carries a payload. */
export const functionEventText = (event: Extract<FunctionEvent, { readonly type: WithPayload }>): string => {
  switch (event.type) {
    case 'effect.recorded':
      return effectText(event)
    case 'signal.received':
      return withPayload({ ...event, type: undefined, payload: undefined }, 'payload', event.payload)
    case 'update.received':
      return withPayload({ id: event.id, name: event.name }, 'payload', event.payload)
    case 'update.answered':
      return withPayload({ id: event.id }, 'outcome', outcomeText(event.outcome))
    case 'function.continued':
      return withPayload({ unread: event.unread }, 'input', event.input)
    case 'child.started':
      return withPayload({ ...event, type: undefined, input: undefined }, 'input', event.input)
    case 'child.ended':
      return withPayload({ key: event.key, taskId: event.taskId }, 'outcome', outcomeText(event.outcome))
    default:
      return unreachable(event)
  }
}

const effectText = (event: EffectRecorded): string => {
  const { kind, key } = event
  switch (event.kind) {
    case 'step':
    case 'send':
      return withPayload({ kind, key }, 'outcome', outcomeText(event.outcome))
    case 'state':
      return withPayload({ kind, key }, 'value', event.value)
    case 'patch':
      return JSON.stringify({ kind, key })
    default:
      return unreachable(event)
  }
}

const outcomeText = (ended: EffectOutcome | UpdateOutcome): string =>
  ended.type === 'succeeded' ? withPayload({ type: ended.type }, 'result', ended.result) : JSON.stringify(ended)

/** A member that is JSON text already. */
const withPayload = (object: object, name: string, payload: string): string =>
  `${JSON.stringify(object).slice(0, -1)},"${name}":${payload}}`
