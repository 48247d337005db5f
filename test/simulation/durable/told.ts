/** What a message to a worker says, as invariants look at it. */
import { AckStatus, type ConnectResponse, type JournalEntry } from '@tasker/proto'
import type { JournalFact, WorkerId } from '@tasker/core'
import { attemptRef } from '@tasker/server/internal/grpc/attempt-ref'
import type { AttemptRef } from '@tasker/server/internal/engine/api'
import type { Sent } from '../invariants/invariant.js'

export const toldOf = (to: WorkerId, { commands, news, acks }: ConnectResponse): readonly Sent[] => [
  ...news.flatMap(({ ref, life, from, entries }): Sent[] => told(ref, life, from, entries)),
  ...commands.flatMap(({ ref: wire, function: run }): Sent[] => {
    const ref = wire === undefined ? undefined : refOf(wire)
    if (ref === undefined) return []
    return [{ type: 'command', to, ref }, ...(run === undefined ? [] : told(wire, run.life, run.from, run.entries))]
  }),
  ...acks.flatMap(({ ref: wire, status, checkpoint }): Sent[] => {
    const ref = wire === undefined ? undefined : refOf(wire)
    if (ref === undefined || status !== AckStatus.ACK_STATUS_RECORDED) return []
    return [{ type: 'ack', to, ack: { ...ref, status: 'recorded', checkpoint, reason: undefined, message: undefined } }]
  }),
]

type WireRef = Parameters<typeof attemptRef>[0]

const refOf = (wire: WireRef): AttemptRef | undefined => {
  const read = attemptRef(wire)
  return read.type === 'ref' ? read.ref : undefined
}

const told = (wire: WireRef | undefined, life: number, from: number, entries: readonly JournalEntry[]): Sent[] => {
  const ref = wire === undefined ? undefined : refOf(wire)
  return ref === undefined || entries.length === 0
    ? []
    : [{ type: 'told', ref, life, from, facts: entries.map(({ key, fact }) => `${kindOf(fact)} ${key}`) }]
}

/** The same words for an entry on the wire and for the fact that it is in the log. */
const kindOf = (fact: JournalEntry['fact']): string => {
  switch (fact?.$case) {
    case 'timerStarted':
      return 'timer.started'
    case 'timerFired':
      return 'timer.fired'
    case 'timerCancelled':
      return 'timer.cancelled'
    case 'signal':
      return `signal ${fact.value.number}`
    case 'cancelRequested':
      return 'cancel'
    default:
      return fact?.$case ?? 'nothing'
  }
}

/** A fact of the log in those words. */
export const wordsOf = (fact: JournalFact): string => {
  switch (fact.type) {
    case 'signal.received':
      return `signal ${fact.number} `
    case 'task.cancel_requested':
      return 'cancel '
    case 'effect.recorded':
      return `${fact.kind} ${fact.key}`
    case 'update.received':
    case 'update.answered':
      return `${fact.type} ${fact.id}`
    default:
      return `${fact.type} ${fact.key}`
  }
}
