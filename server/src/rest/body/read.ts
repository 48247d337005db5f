/** Reads a body within its bound. What is too large is read to its end and thrown away, so that the sender hears why. */
import { Fault } from '../../faults.js'
import { REST_LIMITS } from '../limits.js'
import type { BodyRules } from './rules.js'

export const readBody = async (stream: AsyncIterable<unknown>, rules: BodyRules): Promise<Buffer> => {
  const { bytesMax } = rules
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('a body comes in buffers')
    bytes += chunk.length
    if (bytes <= bytesMax) chunks.push(chunk)
    else chunks.length = 0
    if (bytes > bytesMax + REST_LIMITS.discardedBytesMax) break
  }
  if (bytes > bytesMax) throw bodyTooLarge(rules)
  return Buffer.concat(chunks, bytes)
}

/** All other members together fit in what the limit leaves beside the raw one, so it is the raw one that is too large. */
const bodyTooLarge = ({ bytesMax, raw, tooLarge }: BodyRules): Fault =>
  new Fault({
    code: 'TOO_LARGE',
    reason: raw?.tooLarge ?? tooLarge ?? 'BODY_TOO_LARGE',
    message:
      raw === undefined
        ? `The body has more than ${bytesMax} bytes, which is the limit here.`
        : `The body has more than ${bytesMax} bytes, so ${raw.member} has more than ${raw.bytesMax}, which is the limit.`,
    hint: 'Keep big values in a store of your own and send where they are.',
  })
