/** What is told of one step, and the words that several explanations share. */
import { instantText } from '../kernel/instant.js'
import { elementAt } from '../kernel/invariant.js'
import type { StepId } from '../kernel/ids.js'
import type { LiveTask, Pace } from '../task/state.js'

export const WAIT_REASONS = [
  'start_time',
  'dependencies',
  'decision',
  'batch_room',
  'condition',
  'paused',
  'key',
  'worker',
  'retry_time',
  'failed',
  'compensation',
] as const

/** What a step waits for, for programs. */
export type WaitReason = (typeof WAIT_REASONS)[number]

/** Why one step does not go on. */
export interface Told {
  readonly reason: WaitReason
  readonly why: string
  readonly unblockedBy: string
  /** Steps it waits for. */
  readonly waitsFor?: readonly StepId[]
}

export const nameAt = (task: LiveTask, index: number): StepId => elementAt(task.graph.steps, index, 'steps of the graph').name

export const failureOf = (task: LiveTask, index: number): string =>
  elementAt(task.steps, index, 'steps').lastFailure?.message ?? 'nobody said why'

export const pausedText = ({ since, by, reason }: Extract<Pace, { type: 'paused' }>): string => {
  const who = by === undefined ? '' : ` by ${by}`
  return `The task is paused${who} since ${instantText(since)}${reason === undefined ? '.' : `: ${reason}`}`
}
