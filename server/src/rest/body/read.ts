/** Reads a body within its bound. What is too large is read to its end and thrown away, so that the sender hears why. */
import { Fault } from '../../faults.js'
import { REST_LIMITS } from '../limits.js'

export const readBody = async (stream: AsyncIterable<unknown>, bytesMax: number): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('a body comes in buffers')
    bytes += chunk.length
    if (bytes <= bytesMax) chunks.push(chunk)
    else chunks.length = 0
    if (bytes > bytesMax + REST_LIMITS.discardedBytesMax) break
  }
  if (bytes > bytesMax) throw bodyTooLarge(bytesMax)
  return Buffer.concat(chunks, bytes)
}

const bodyTooLarge = (bytesMax: number): Fault =>
  new Fault({
    code: 'TOO_LARGE',
    reason: 'BODY_TOO_LARGE',
    message: `The body has more than ${bytesMax} bytes, which is the limit here.`,
    hint: 'Keep big values in a store of your own and send where they are.',
  })
