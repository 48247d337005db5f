/** Reads a stream of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): text in, messages out. */

/** Characters of one message at most; a result of the permitted size fits several times. */
const MESSAGE_CHARS_MAX = 32 * 1024 * 1024

export interface SseMessage {
  /** The last id the stream gave, empty when none. */
  readonly id: string
  readonly event: string
  readonly data: string
}

/** Splits chunks of text, cut anywhere, into messages. */
export async function* sseMessages(chunks: AsyncIterable<string>): AsyncGenerator<SseMessage> {
  let rest = ''
  let fields = emptyFields('')
  for await (const chunk of chunks) {
    rest += chunk
    if (rest.length > MESSAGE_CHARS_MAX) throw new RangeError('a server-sent message is too long')
    // A carriage return at the end may be half of a line break: it waits for the next chunk.
    const held = rest.endsWith('\r') ? '\r' : ''
    const lines = rest.slice(0, rest.length - held.length).split(/\r\n|\n|\r/)
    rest = (lines.pop() ?? '') + held
    for (const line of lines) {
      if (line !== '') {
        fields = withLine(fields, line)
        continue
      }
      if (fields.data.length > 0) yield { id: fields.id, event: fields.event || 'message', data: fields.data.join('\n') }
      fields = emptyFields(fields.id)
    }
  }
}

interface Fields {
  readonly id: string
  readonly event: string
  readonly data: readonly string[]
}

const emptyFields = (id: string): Fields => ({ id, event: '', data: [] })

const withLine = (fields: Fields, line: string): Fields => {
  const colon = line.indexOf(':')
  const name = colon === -1 ? line : line.slice(0, colon)
  const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
  if (name === 'data') return { ...fields, data: [...fields.data, value] }
  if (name === 'event') return { ...fields, event: value }
  return name === 'id' ? { ...fields, id: value } : fields
}
