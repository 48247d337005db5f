/** `publishes_events` of a step, and `domain_events` of a template, which may hold the schemas of the former. */
import { present } from '../kernel/invariant.js'
import { LIMITS } from '../limits.js'
import { isArray, isObject, listOf, nameText, objectOf, oneOf, openMap, text, type Reader } from './fields.js'
import { addProblem } from './problem.js'
import type { PublishedEvent } from './published-event.js'

const name = nameText(LIMITS.nameCharsMax)

const eventFields = objectOf({
  name: { read: name, required: true },
  description: { read: text() },
  condition: { read: oneOf('success', 'failure', 'retryable_failure', 'permanent_failure', 'always') },
  schema: { read: openMap },
  delivery_mode: { read: oneOf('durable', 'fast', 'broadcast') },
  publisher: { read: name },
})

const declaredFields = objectOf({
  name: { read: text(LIMITS.nameCharsMax), required: true },
  description: { read: text() },
  schema: { read: openMap },
})

type EventFields = NonNullable<ReturnType<typeof eventFields>>
export type DeclaredEventFields = NonNullable<ReturnType<typeof declaredFields>>

/** What a handler publishes is found by its name, so a step tells a name once for each condition. */
export const publishedEvents: Reader<readonly EventFields[]> = (value, path, findings) => {
  if (isArray(value)) {
    const seen = new Set<string>()
    value.forEach((entry, index) => {
      if (!isObject(entry)) return
      const key = JSON.stringify([entry.name, entry.condition ?? CONDITION_DEFAULT])
      if (seen.has(key))
        addProblem(findings, 'CONFLICTING_FIELDS', `${path}/${index}`, `this event is told of the same result before`, {
          hint: 'give it another condition, or leave it out',
        })
      seen.add(key)
    })
  }
  return listOf(eventFields)(value, path, findings)
}

export const declaredEvents: Reader<readonly DeclaredEventFields[]> = listOf(declaredFields)

const CONDITION_DEFAULT = 'success'

/** To be called only when no problem was found. */
export const publishedEvent = (fields: EventFields, declared: readonly DeclaredEventFields[]): PublishedEvent => {
  const eventName = present(fields.name, 'the name of an event')
  const declaration = declared.find((event) => event.name === eventName)
  return {
    name: eventName,
    description: fields.description ?? declaration?.description,
    condition: fields.condition ?? CONDITION_DEFAULT,
    delivery: fields.delivery_mode ?? 'durable',
    schema: fields.schema ?? declaration?.schema,
    publisher: fields.publisher,
  }
}
