/** Counts gRPC messages in one direction of an HTTP/2 connection, by its frames (RFC 9113) and the lengths before each message. */

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const FRAME_HEAD = 9
const DATA = 0
const PADDED = 0x8
const MESSAGE_HEAD = 5

/** Takes what passes, in order, and answers how many messages end in it. */
export const messageCounter = (): ((chunk: Buffer) => number) => {
  let rest: Buffer = Buffer.alloc(0)
  let begun = false
  /** Bytes of each stream that belong to a message that has not ended. */
  const pending = new Map<number, Buffer>()
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    if (!begun) {
      if (rest.length < PREFACE.length && PREFACE.subarray(0, rest.length).equals(rest)) return 0
      if (rest.subarray(0, PREFACE.length).equals(PREFACE)) rest = rest.subarray(PREFACE.length)
      begun = true
    }
    let messages = 0
    while (rest.length >= FRAME_HEAD) {
      const length = rest.readUIntBE(0, 3)
      if (rest.length < FRAME_HEAD + length) break
      if (rest[3] === DATA) messages += messagesIn(pending, rest.readUInt32BE(5), dataOf(rest.subarray(0, FRAME_HEAD + length)))
      rest = rest.subarray(FRAME_HEAD + length)
    }
    return messages
  }
}

/** The frame without its head and its padding. */
const dataOf = (frame: Buffer): Buffer => {
  const payload = frame.subarray(FRAME_HEAD)
  if (((frame[4] ?? 0) & PADDED) === 0) return payload
  return payload.subarray(1, payload.length - (payload[0] ?? 0))
}

const messagesIn = (pending: Map<number, Buffer>, stream: number, data: Buffer): number => {
  let bytes = Buffer.concat([pending.get(stream) ?? Buffer.alloc(0), data])
  let messages = 0
  while (bytes.length >= MESSAGE_HEAD) {
    const end = MESSAGE_HEAD + bytes.readUInt32BE(1)
    if (bytes.length < end) break
    messages++
    bytes = bytes.subarray(end)
  }
  if (bytes.length === 0) pending.delete(stream)
  else pending.set(stream, bytes)
  return messages
}
