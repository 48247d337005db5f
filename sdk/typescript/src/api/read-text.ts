/** Reads the body of an answer up to a bound, so that a server cannot fill the worker's memory. */
import { PermanentError } from '../errors/handler-errors.js'

/** The body as text; throws `HTTP_RESPONSE_TOO_LARGE` when there is more than `bytesMax` of it. */
export const readText = async (response: Response, bytesMax: number): Promise<string> => {
  if (response.body === null) return ''
  const body: ReadableStream<Uint8Array> = response.body
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  let bytes = 0
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    bytes += read.value.length
    if (bytes > bytesMax) {
      // Nothing waits for the rest; that it is not wanted is all there is to say.
      reader.cancel().catch(() => undefined)
      throw new PermanentError(`the answer has more than ${bytesMax} bytes`, { code: 'HTTP_RESPONSE_TOO_LARGE' })
    }
    chunks.push(read.value)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}
