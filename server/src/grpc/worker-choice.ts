/** What a decision or an analyzer says beside its result: read at the wall, judged by the core (W15). */
import { type BatchRange, JSON_NULL, type JsonText, LIMITS, type StepChoice } from '@tasker/core'
import type { BatchesMade, BatchRange as WireRange, Checkpoint, DecisionMade, Payload } from '@tasker/proto'
import type { CheckpointOutcome } from '../engine/api.js'
import { cut } from './failure.js'
import { type ReadPayload, readPayload } from './payload.js'

export type ReadChoice =
  | { readonly type: 'choice'; readonly choice: StepChoice }
  | { readonly type: 'wrong'; readonly code: string; readonly message: string }

export const decisionFrom = ({ choice }: DecisionMade): ReadChoice => {
  switch (choice?.$case) {
    case 'createSteps':
      return { type: 'choice', choice: { type: 'create_steps', names: choice.value.names } }
    case 'noBranches':
      return { type: 'choice', choice: { type: 'no_branches', ...reasonOf(choice.value) } }
    case undefined:
      return { type: 'wrong', code: 'BAD_DECISION', message: 'the decision says neither create_steps nor no_branches' }
  }
}

export const batchesFrom = ({ choice }: BatchesMade): ReadChoice => {
  switch (choice?.$case) {
    case 'createBatches': {
      const { ranges, totalItems } = choice.value
      const read = rangesFrom(ranges)
      if (typeof read === 'string') return badBatches(read)
      return { type: 'choice', choice: { type: 'create_batches', ranges: read, ...(totalItems === 0 ? {} : { totalItems }) } }
    }
    case 'noBatches':
      return { type: 'choice', choice: { type: 'no_batches', ...reasonOf(choice.value) } }
    case undefined:
      return badBatches('the result says neither create_batches nor no_batches')
  }
}

export type ReadCheckpoint =
  | { readonly type: 'checkpoint'; readonly checkpoint: CheckpointOutcome }
  | { readonly type: 'wrong'; readonly reason: string; readonly message: string }

export const checkpointFrom = ({ number, cursor, itemsProcessed, accumulated }: Checkpoint): ReadCheckpoint => {
  if (number < 1) return badCheckpoint('a checkpoint has a number from 1')
  const bytes = (cursor?.data.length ?? 0) + (accumulated?.data.length ?? 0)
  if (bytes > LIMITS.checkpointBytesMax) {
    const message = `the checkpoint has ${bytes} bytes; ${LIMITS.checkpointBytesMax} are allowed`
    return { type: 'wrong', reason: 'CHECKPOINT_TOO_LARGE', message }
  }
  const readCursor = jsonFrom(cursor, 'the cursor')
  if (readCursor.type !== 'json') return badCheckpoint(messageOf(readCursor))
  const saved = { type: 'checkpoint', number, cursor: readCursor.text, itemsProcessed } as const
  if (accumulated === undefined) return { type: 'checkpoint', checkpoint: saved }
  const readAccumulated = jsonFrom(accumulated, 'what was accumulated')
  if (readAccumulated.type !== 'json') return badCheckpoint(messageOf(readAccumulated))
  return { type: 'checkpoint', checkpoint: { ...saved, accumulated: readAccumulated.text } }
}

const badCheckpoint = (message: string): ReadCheckpoint => ({ type: 'wrong', reason: 'CHECKPOINT_NOT_READ', message })

const badBatches = (message: string): ReadChoice => ({ type: 'wrong', code: 'BAD_BATCHES', message })

/** The ranges, or what is wrong with them. */
const rangesFrom = (wire: readonly WireRange[]): readonly BatchRange[] | string => {
  let bytesLeft: number = LIMITS.batchCursorsBytesMax
  const ranges: BatchRange[] = []
  for (const { id, start, end, size } of wire) {
    bytesLeft -= (start?.data.length ?? 0) + (end?.data.length ?? 0)
    if (bytesLeft < 0) return `all cursors together have more than ${LIMITS.batchCursorsBytesMax} bytes`
    const [from, to] = [jsonFrom(start, 'the start of a range'), jsonFrom(end, 'the end of a range')]
    if (from.type !== 'json') return messageOf(from)
    if (to.type !== 'json') return messageOf(to)
    ranges.push({ id, start: from.text, end: to.text, size })
  }
  return ranges
}

/** A value that is not given is null. */
const jsonFrom = (payload: Payload | undefined, what: string): ReadPayload =>
  payload === undefined ? NULL : readPayload(payload, Number.POSITIVE_INFINITY, what)

const NULL: { readonly type: 'json'; readonly text: JsonText } = { type: 'json', text: JSON_NULL }

const messageOf = (read: Exclude<ReadPayload, { readonly type: 'json' }>): string =>
  read.type === 'not_json' ? read.problem.message : read.message

const reasonOf = ({ reason }: { readonly reason: string }): { readonly reason?: string } =>
  reason === '' ? {} : { reason: cut(reason, LIMITS.failureMessageCharsMax) }
