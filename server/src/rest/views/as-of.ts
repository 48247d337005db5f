/** The moment that a task was read as of, where one was asked for. */
import { instantText } from '@tasker/core'
import type { TaskSnapshot } from '../../engine/api.js'

/** Undefined for a task as it is now. */
export const asOf = ({ version, asOf: at }: TaskSnapshot): { readonly version: number; readonly at: string } | undefined =>
  at === undefined ? undefined : { version, at: instantText(at) }
