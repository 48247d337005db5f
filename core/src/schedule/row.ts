/** The row a schedule becomes: what a start needs to go on from. */
import type { Namespace } from '../kernel/ids.js'
import type { ScheduleState } from './state.js'

export interface ScheduleRow {
  readonly namespace: Namespace
  readonly name: string
  /** Version of the last event folded in. */
  readonly streamVersion: number
  readonly state: ScheduleState
}
