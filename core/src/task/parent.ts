/** A task that another task began: as the child of a durable function, or as the work of a step. */
import type { TaskId } from '../kernel/ids.js'

/** What becomes of a child when its parent ends before it, or waits for it no more. */
export type ParentClose = 'cancel' | 'abandon'

export const PARENT_CLOSES: readonly ParentClose[] = ['cancel', 'abandon']

export interface ParentLink {
  readonly taskId: TaskId
  /** An operation of a durable function began it, or a step whose work it is. */
  readonly of: 'function' | 'step'
  /** The key of the operation, or the name of the step. */
  readonly key: string
  /** The life of the function, or the attempt of the step. */
  readonly round: number
  readonly onClose: ParentClose
  /** How many tasks it has above it, from 1. */
  readonly depth: number
}
