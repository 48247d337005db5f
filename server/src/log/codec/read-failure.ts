/** A stored failure, and members that are there only when they have a value. */
import { durationMs, type Failure, sliceMembers } from '@tasker/core'
import type { EventFields } from './event-fields.js'

/** The member `failure` of an object. */
export const readFailure = (object: EventFields): Failure => {
  const f = object.inside('failure', sliceMembers)
  const retryAfterMs = f.optionalNumber('retryAfterMs')
  return {
    message: f.text('message'),
    errorType: f.text('errorType'),
    ...optional('code', f.optionalText('code')),
    retryable: f.flag('retryable'),
    ...optional('retryAfterMs', retryAfterMs === undefined ? undefined : durationMs(retryAfterMs)),
    ...optional('stack', f.optionalText('stack')),
  }
}

/** A member that is there only when it has a value. */
export const optional = <Name extends string, Value>(name: Name, value: Value | undefined): { readonly [Key in Name]?: Value } =>
  value === undefined ? {} : singleMember(name, value)

const singleMember = <Name extends string, Value>(name: Name, value: Value): { readonly [Key in Name]?: Value } =>
  ({ [name]: value }) as { readonly [Key in Name]?: Value }
