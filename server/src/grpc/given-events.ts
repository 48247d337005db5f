/** The wall for what a worker gives for domain events: what cannot be kept as it was meant becomes a problem of the event, never of the step (W18). */
import { type EventProblem, type JsonText, LIMITS } from '@tasker/core'
import type { GivenEvent as WireEvent, Payload } from '@tasker/proto'
import type { GivenEvent } from '../engine/api.js'
import { readPayload } from './payload.js'

/** Most results give none, and then nothing is made. */
const NONE: readonly GivenEvent[] = []
/** Characters of a worker's word on why there is no payload; the rest is cut. */
const PROBLEM_CHARS_MAX = 1_000

export const givenEvents = (events: readonly WireEvent[]): readonly GivenEvent[] =>
  events.length === 0 ? NONE : events.map(givenEvent)

const givenEvent = (wire: WireEvent): GivenEvent => {
  const problems: EventProblem[] = []
  if (wire.problem !== '')
    problems.push({ code: 'PUBLISHER_FAILED', path: '', message: wire.problem.slice(0, PROBLEM_CHARS_MAX) })
  const payload = read(wire.payload, LIMITS.domainEventBytesMax, 'the payload', problems)
  const metadata = read(wire.metadata, LIMITS.domainEventMetadataBytesMax, 'the metadata', problems)
  if (metadata !== undefined && !metadata.trimStart().startsWith('{'))
    problems.push({ code: 'WRONG_TYPE', path: '', message: 'the metadata is no JSON object' })
  const kept = metadata?.trimStart().startsWith('{') === true ? metadata : undefined
  return { name: wire.name, payload, metadata: kept, withheld: wire.withheld, problems }
}

const read = (payload: Payload | undefined, bytesMax: number, what: string, problems: EventProblem[]): JsonText | undefined => {
  if (payload === undefined) return undefined
  const found = readPayload(payload, bytesMax, what)
  if (found.type === 'json') return found.text
  if (found.type === 'not_json') problems.push({ code: 'NOT_JSON', path: found.problem.path, message: found.problem.message })
  else
    problems.push({ code: found.type === 'too_large' ? 'TOO_LARGE' : 'ENCODING_NOT_SUPPORTED', path: '', message: found.message })
  return undefined
}
