/** The parsers of bodies. Payloads inside a body stay the text their sender wrote; everything else becomes plain values. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type JsonText, sliceMembers } from '@tasker/core'
import { Fault } from '../../faults.js'
import { unsupportedMediaType } from '../error-funnel.js'
import { decodeText, scannedJson } from './decode.js'
import { readBody } from './read.js'
import type { BodyRules, RawMember } from './rules.js'

const JSON_TYPES = ['application/json']
const YAML_TYPES = ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml', 'text/vnd.yaml']

/** Replaces fastify's own parsers, which would alter text that is not UTF-8 and refuse keys such as `__proto__`. */
export const installBodyParsers = (app: FastifyInstance): void => {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(JSON_TYPES, async (request: FastifyRequest, stream: AsyncIterable<unknown>) => {
    const rules = rulesOf(request)
    return parsedBody(await readBody(stream, rules), rules)
  })
  app.addContentTypeParser(YAML_TYPES, async (request: FastifyRequest, stream: AsyncIterable<unknown>) => {
    const rules = rulesOf(request)
    if (rules.form !== 'document') throw new Fault(unsupportedMediaType())
    return parsedBody(await readBody(stream, rules), rules)
  })
}

const NO_BODY: BodyRules = { form: 'json', bytesMax: 0, optional: true }

const rulesOf = (request: FastifyRequest): BodyRules => request.routeOptions.config.body ?? NO_BODY

const parsedBody = (bytes: Buffer, rules: BodyRules): unknown => {
  const text = decodeText(bytes, rules.form)
  if (rules.optional && text.trim() === '') return undefined
  if (rules.form === 'document') return text
  return rules.form === 'payload' ? scannedJson(text) : parsedJson(scannedJson(text), rules)
}

const parsedJson = (json: JsonText, rules: BodyRules): unknown => {
  const { raw, alsoRaw } = rules
  if (raw === undefined || !json.trimStart().startsWith('{')) return JSON.parse(json)
  const members = sliceMembers(json)
  for (const one of [raw, ...(alsoRaw === undefined ? [] : [alsoRaw])]) {
    const kept = members.get(one.member)
    if (kept !== undefined && Buffer.byteLength(kept) > one.bytesMax) throw memberTooLarge(one)
  }
  const isRaw = (name: string): boolean => name === raw.member || name === alsoRaw?.member
  // `fromEntries` defines its members, so that a key `__proto__` is a key like any other.
  return Object.fromEntries([...members].map(([name, value]) => [name, isRaw(name) ? value : parsedValue(value)]))
}

const parsedValue = (json: JsonText): unknown => JSON.parse(json)

const memberTooLarge = ({ member, bytesMax, tooLarge }: RawMember): Fault => {
  const message = `${member} has more than ${bytesMax} bytes, which is the limit.`
  return new Fault({
    code: 'TOO_LARGE',
    reason: tooLarge,
    message,
    hint: 'Keep big values in a store of your own and send where they are.',
    errors: [{ code: tooLarge, message, path: `/${member}` }],
  })
}
