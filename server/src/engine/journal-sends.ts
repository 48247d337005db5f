/**
 * Signals that a durable function hands to other tasks.
 *
 * N1  A signal is handed over before it is recorded how that went: a run that is lost in between asks again, under the same request id, and that
 *     is the same signal.
 * N2  What an attempt hands in meanwhile waits, so that its records stay in their order.
 */
import { hash } from 'node:crypto'
import { type EffectOutcome, type Failure, JSON_NULL, parseTaskId, type SignalTask, type TaskId, unreachable } from '@tasker/core'
import type { Lease } from '../dispatch/worker.js'
import type { HandedIn, SendWanted } from './api.js'
import type { FaultDetail } from '../faults.js'
import { taskArchived } from './archiving.js'
import type { Clock } from './clock.js'
import { notStorable } from './engine-faults.js'
import { taskNotFound } from './reads.js'
import type { StreamLoader } from './stream-loader.js'
import type { TaskRuntime } from './task-runtime.js'

export interface SendParts {
  readonly loader: StreamLoader
  readonly runtime: TaskRuntime
  readonly clock: Clock
  readonly retryMs: Parameters<Clock['after']>[0]
}

type Outcome = EffectOutcome
type Sent = Exclude<HandedIn, SendWanted>

/** N2: what waits for the signals of a record, by the lease of the attempt. */
const waiting = new WeakMap<Lease, (() => void)[]>()

/** Whether signals of an earlier record of the attempt are on their way; then `next` is called once they are there. */
export const waitsForSends = (lease: Lease | undefined, next: () => void): boolean => {
  const line = lease && waiting.get(lease)
  line?.push(next)
  return line !== undefined
}

/** Hands the signals over, and calls with what is to be recorded of them in their places. */
export const handOver = (
  from: { readonly lease: Lease; readonly life: number },
  handedIn: readonly HandedIn[],
  parts: SendParts,
  call: (proposals: readonly Sent[]) => void,
): void => {
  const { lease, life } = from
  const proposals = handedIn.map((proposal): Sent | undefined => (proposal.type === 'send' ? undefined : proposal))
  let left = proposals.filter((proposal) => proposal === undefined).length
  if (left > 0) waiting.set(lease, [])
  const over = (): void => {
    const line = waiting.get(lease) ?? []
    waiting.delete(lease)
    call(proposals.filter((proposal) => proposal !== undefined))
    for (const [index, next] of line.entries()) {
      // The next may have signals of its own: the others wait for those.
      const again = waiting.get(lease)
      if (again !== undefined) return void again.push(...line.slice(index))
      next()
    }
  }
  if (left === 0) return over()
  for (const [index, proposal] of handedIn.entries()) {
    if (proposal.type !== 'send') continue
    send(lease.taskId, life, proposal, parts, (outcome) => {
      proposals[index] = { type: 'effect.recorded', kind: 'send', key: proposal.key, outcome }
      left--
      if (left === 0) over()
    })
  }
}

/** N1. */
const send = (from: TaskId, life: number, wanted: SendWanted, parts: SendParts, answer: (outcome: Outcome) => void): void => {
  const taskId = parseTaskId(wanted.taskId)
  if (taskId === undefined) return answer(failed('TASK_NOT_FOUND', `no task has the id ${wanted.taskId}`))
  const requestId = hash('sha256', `send\n${from}\n${life}\n${wanted.key}`, 'hex')
  const { name, payload } = wanted
  deliver(taskId, { type: 'signal', name, payload, requestId }, { ...parts, actor: `task:${from}` }, answer)
}

const deliver = (
  taskId: TaskId,
  signal: Omit<SignalTask, 'at'>,
  parts: SendParts & { readonly actor: string },
  answer: (outcome: Outcome) => void,
): void => {
  const { loader, runtime, clock, retryMs, actor } = parts
  const again = (): void => void clock.after(retryMs, () => deliver(taskId, signal, parts, answer))
  const fail = ({ reason, message }: FaultDetail): void => answer(failed(reason, message))
  loader.find(taskId, (found) => {
    if (found.type === 'none') return fail(taskNotFound(taskId))
    if (found.type === 'archived') return fail(taskArchived(taskId, found.task))
    if (found.type === 'failed') return found.fault.detail.retryable === true ? again() : fail(found.fault.detail)
    const command = { ...signal, at: runtime.now(found.stream) }
    runtime.apply(found.stream, command, { cause: { actor, command: 'signal' } }, (applied) => {
      switch (applied.type) {
        case 'durable':
        case 'unchanged':
          return answer(DELIVERED)
        case 'refused':
          return answer(failed(applied.refusal.reason, applied.refusal.message))
        case 'lost':
          return applied.settled.reason === 'refused' ? fail(notStorable(applied.settled.message)) : again()
        case 'quarantined':
          return fail(notStorable(applied.message))
        default:
          return unreachable(applied)
      }
    })
  })
}

const DELIVERED: Outcome = { type: 'succeeded', result: JSON_NULL }

const failed = (code: string, message: string): Outcome => ({ type: 'failed', failure: failureOf(code, message) })

const failureOf = (code: string, message: string): Failure => ({ message, errorType: 'SignalNotTaken', code, retryable: false })
