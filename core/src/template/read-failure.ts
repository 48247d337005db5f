/** What a step says about conditions and failure: `when`, `on_failure`, `compensate`, `join`. */
import { handlerName } from '../kernel/ids.js'
import { durationMs } from '../kernel/instant.js'
import { present } from '../kernel/invariant.js'
import { LIMITS } from '../limits.js'
import { nameText, number, objectOf, oneOf, openMap, type Reader } from './fields.js'
import { retryFields, retryPolicy } from './read-retry.js'
import type { CompensateSpec, HandlerSpec, Join } from './template.js'

const CALLABLE_CHARS_MAX = 500
const SECONDS_MAX = LIMITS.retryDelayMsMax / 1_000

const name = nameText(LIMITS.nameCharsMax)
export const seconds = number({ min: 0.001, max: SECONDS_MAX, whole: false })

/** Something read, with where it stands. */
export interface Located<Value> {
  readonly value: Value
  readonly path: string
}

export const located =
  <Value>(read: Reader<Value>): Reader<Located<Value>> =>
  (value, path, findings) => {
    const result = read(value, path, findings)
    return result === null ? null : { value: result, path }
  }

export const handlerFields = objectOf({
  callable: { read: nameText(CALLABLE_CHARS_MAX), required: true },
  method: { read: name },
  resolver: { read: name },
  initialization: { read: located(openMap) },
})

export const compensateFields = objectOf({
  handler: { read: handlerFields, required: true },
  retry: { read: retryFields },
  timeout_seconds: { read: seconds },
})

export const joinField: Reader<string | number> = (value, path, findings) => {
  if (typeof value === 'number') return number({ min: 1, max: LIMITS.templateStepsMax, whole: true })(value, path, findings)
  return oneOf('all', 'any')(value, path, findings)
}

export const onFailureField = oneOf('block', 'continue', 'compensate')

export const handlerSpec = (fields: NonNullable<ReturnType<typeof handlerFields>>): HandlerSpec => ({
  callable: handlerName(present(fields.callable, 'the callable of a handler')),
  method: fields.method ?? 'call',
  resolver: fields.resolver,
  initialization: fields.initialization?.value ?? {},
})

export const timeoutMsOf = (
  timeoutSeconds: number | undefined,
  otherwise: CompensateSpec['timeoutMs'] = LIMITS.stepTimeoutMsDefault,
): CompensateSpec['timeoutMs'] => (timeoutSeconds === undefined ? otherwise : durationMs(Math.round(timeoutSeconds * 1_000)))

export const compensateSpec = (fields: ReturnType<typeof compensateFields> | undefined): CompensateSpec | undefined => {
  if (fields?.handler === undefined) return undefined
  return {
    handler: handlerSpec(fields.handler),
    retry: retryPolicy(fields.retry),
    timeoutMs: timeoutMsOf(fields.timeout_seconds),
    keys: [],
  }
}

export const joinOf = (field: string | number | undefined): Join => {
  if (typeof field === 'number') return field
  return field === 'any' ? 1 : 'all'
}
