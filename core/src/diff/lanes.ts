/**
 * Histories as lanes: the events of each step by themselves, and those of the task as a whole. Steps that run beside each other end in another
 * order from run to run; what happens in one lane has an order that means something.
 */
import { type Json, trustedJson } from '../kernel/json.js'
import { canonicalText } from '../kernel/json-canonical.js'
import { parseJson } from '../kernel/json-scan.js'
import type { StepId } from '../kernel/ids.js'
import type { TaskEvent } from '../task/events.js'
import type { RecordedTaskEvent } from '../task/recorded.js'

export interface LaneEvent {
  readonly version: number
  readonly type: TaskEvent['type']
  readonly step: StepId | undefined
  /** What counts of the event: the same text, the same happening. */
  readonly text: string
}

/** Events that tell of the machinery around a run, not of the run. */
const UNTOLD: ReadonlySet<TaskEvent['type']> = new Set([
  'step.scheduled',
  'step.admitted',
  'step.released',
  'step.result_ignored',
  'task.paused',
  'task.resumed',
  'task.went_stale',
  'task.dead_lettered',
  'task.dead_letter_updated',
])

/** Fields that differ between any two runs: who, when, and names that callers gave. */
const VOLATILE: ReadonlySet<string> = new Set([
  'worker',
  'by',
  'dueAt',
  'delayMs',
  'runAt',
  'since',
  'stack',
  'correlationId',
  'parentCorrelationId',
  'idempotencyKey',
  'identity',
  'initiator',
  'tags',
])

/** Of each lane its events in order; the task's own lane has no step. */
export const lanesOf = (history: readonly RecordedTaskEvent[]): ReadonlyMap<StepId | undefined, readonly LaneEvent[]> => {
  const lanes = new Map<StepId | undefined, LaneEvent[]>()
  for (const { version, event } of history) {
    if (UNTOLD.has(event.type)) continue
    const step = 'step' in event ? event.step : undefined
    const lane = lanes.get(step)
    const told: LaneEvent = { version, type: event.type, step, text: textOf(event) }
    if (lane === undefined) lanes.set(step, [told])
    else lane.push(told)
  }
  return lanes
}

/** Payloads count by what they say, not by how they are written. */
const PAYLOADS: ReadonlySet<string> = new Set(['context', 'output', 'metadata', 'cursor', 'accumulated', 'payload'])

const textOf = (event: TaskEvent): string =>
  JSON.stringify(event, (key, value: Json) => {
    if (VOLATILE.has(key)) return undefined
    return PAYLOADS.has(key) && typeof value === 'string' ? canonicalText(parseJson(trustedJson(value))) : value
  })
