/** `concurrency`, `rate_limit` and `fairness_key`: keys, and how many places they have. */
import { readKey, type KeyTemplate } from '../expression/key.js'
import type { KeySpec } from '../key/key.js'
import { durationMs } from '../kernel/instant.js'
import { present } from '../kernel/invariant.js'
import type { Json } from '../kernel/json.js'
import { LIMITS } from '../limits.js'
import { number, objectOf, oneOf, outOfRange, type Reader, text } from './fields.js'
import { addProblem, type Findings } from './problem.js'

/** A text with expressions in `${…}`. */
const keyText: Reader<KeyTemplate> = (value, path, findings) => {
  const written = text(LIMITS.expressionCharsMax)(value, path, findings)
  if (written === null) return null
  if (written === '') return outOfRange(findings, path, 'a key must not be empty')
  const reading = readKey(written)
  if (reading.type === 'key') return reading.key
  for (const { message, offset } of reading.faults)
    addProblem(findings, 'BAD_EXPRESSION', path, `${message} (at character ${offset + 1})`)
  return null
}

/** What a task is submitted with is all there is to make it of. */
export const fairnessKey: Reader<KeyTemplate> = (value, path, findings) => {
  const key = keyText(value, path, findings)
  const readsDeps = key?.parts.some((part) => typeof part !== 'string' && (part.deps === 'all' || part.deps.size > 0))
  if (readsDeps !== true) return key
  addProblem(findings, 'BAD_EXPRESSION', path, 'a fairness key is made when the task is submitted, before there are results', {
    hint: 'use context and task',
  })
  return null
}

const places = {
  key: { read: keyText, required: true },
  limit: { read: number({ min: 1, max: LIMITS.keyPlacesMax, whole: true }), required: true },
} as const

const PERIODS = { second: 1, minute: 60, hour: 3_600, day: 86_400 } as const

/** `per`: a number of seconds, or a word. */
const period: Reader<number> = (value: Json, path: string, findings: Findings) => {
  if (typeof value === 'number')
    return number({ min: 0.001, max: LIMITS.retryDelayMsMax / 1_000, whole: false })(value, path, findings)
  const word = oneOf('second', 'minute', 'hour', 'day')(value, path, findings)
  return word === null ? null : PERIODS[word]
}

export const concurrency = objectOf(places)
export const rateLimit = objectOf({ ...places, per: { read: period, required: true } })

export interface KeyFields {
  readonly concurrency?: NonNullable<ReturnType<typeof concurrency>>
  readonly rate_limit?: NonNullable<ReturnType<typeof rateLimit>>
}

/** The keys of a step in the order it asks for them: a rate last, so that its places are not taken while the step waits for another. */
export const keySpecs = (step: KeyFields, template: KeyFields): readonly KeySpec[] => {
  const concurrent = step.concurrency ?? template.concurrency
  const rated = step.rate_limit ?? template.rate_limit
  const specs: KeySpec[] = []
  if (concurrent !== undefined) specs.push({ kind: 'concurrency', ...placesOf(concurrent), perMs: undefined })
  if (rated !== undefined) {
    const perMs = durationMs(Math.round(present(rated.per, 'the period of a rate') * 1_000))
    specs.push({ kind: 'rate', ...placesOf(rated), perMs })
  }
  return specs.length === 0 ? NO_KEYS : specs
}

const NO_KEYS: readonly KeySpec[] = []

const placesOf = ({ key, limit }: NonNullable<ReturnType<typeof concurrency>>): Pick<KeySpec, 'key' | 'limit'> => ({
  key: present(key, 'the text of a key'),
  limit: present(limit, 'the limit of a key'),
})
