/** The row a key becomes: what a start needs to go on from. */
import type { Namespace } from '../kernel/ids.js'
import type { QueueName } from '../queue/name.js'
import type { KeyState } from './state.js'

export interface KeyRow {
  readonly namespace: Namespace
  readonly queue: QueueName
  /** Version of the last event folded in. */
  readonly streamVersion: number
  readonly state: KeyState
}
