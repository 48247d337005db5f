/**
 * Children of a durable function: other tasks that it began and waits for.
 *
 * K1  A child is begun once a key, as the task whose id its event says: however often that is submitted, it is one task.
 * K2  It ends once for its parent: as its task ends, or at once when it is refused or nobody waits for it any more.
 */
import type { Namespace, TaskId } from '../kernel/ids.js'
import type { JsonText } from '../kernel/json.js'
import type { ParentClose } from '../task/parent.js'
import type { EffectOutcome } from './outcome.js'

/** What a function says of a child. */
export interface ChildSpec {
  readonly namespace: Namespace
  readonly name: string
  /** The newest when undefined. */
  readonly version?: string
  /** Byte for byte as received. */
  readonly input: JsonText
  readonly onClose: ParentClose
}

/** The function asks for a child, and this is the task it will be. */
export interface ChildAsked extends ChildSpec {
  readonly type: 'child'
  readonly key: string
  readonly taskId: TaskId
}

export interface ChildStarted extends ChildSpec {
  readonly type: 'child.started'
  readonly key: string
  readonly taskId: TaskId
}

export interface ChildEnded {
  readonly type: 'child.ended'
  readonly key: string
  readonly taskId: TaskId
  readonly outcome: EffectOutcome
}

/** By key, the children that did not end. */
export type OpenChildren = ReadonlyMap<string, ChildStarted>

export const NO_CHILDREN: OpenChildren = new Map()

export const childStarted = ({ key, taskId, namespace, name, version, input, onClose }: ChildAsked): ChildStarted => ({
  type: 'child.started',
  key,
  taskId,
  namespace,
  name,
  ...(version === undefined ? {} : { version }),
  input,
  onClose,
})

/** Nobody waits for it any more. */
export const letGo = ({ key, taskId }: ChildStarted): ChildEnded => ({
  type: 'child.ended',
  key,
  taskId,
  outcome: { type: 'cancelled' },
})
