/** Old shapes of events become the newest when they are read; what is stored is never rewritten. */
import type { JsonText } from '@tasker/core'
import { CorruptEventError, UnknownEventError } from './errors.js'

/** The members of a stored event, each as raw JSON text, so that payloads keep their bytes. */
export type EventMembers = ReadonlyMap<string, JsonText>

/** Makes the members of version n + 1 out of those of version n. */
export type Upcaster = (members: EventMembers) => EventMembers

/** By event type, the steps from version 1 to 2, from 2 to 3 … The newest version is one above their number. */
export type Upcasters = ReadonlyMap<string, readonly Upcaster[]>

/** Every shape is still the first. */
export const UPCASTERS: Upcasters = new Map()

/** The member that holds the version of an event's shape; absent for the first. */
export const SHAPE_VERSION = 'v'

export const newestShape = (type: string, upcasters: Upcasters): number => (upcasters.get(type)?.length ?? 0) + 1

/** Brings members to the newest shape. Throws `UnknownEventError` for a shape newer than this program. */
export const upcast = (type: string, members: EventMembers, upcasters: Upcasters): EventMembers => {
  const steps = upcasters.get(type) ?? []
  const shape = members.get(SHAPE_VERSION)
  if (shape === undefined && steps.length === 0) return members
  const version = shape === undefined ? 1 : Number(shape)
  if (!Number.isInteger(version) || version < 1) throw new CorruptEventError(type, `the shape version is ${shape}`)
  if (version > steps.length + 1) throw new UnknownEventError(type, version)
  return steps.slice(version - 1).reduce((older, step) => step(older), members)
}
