/** The wire format of server-sent events. https://html.spec.whatwg.org/multipage/server-sent-events.html */
import type { JsonText } from '@tasker/core'

/** A line break in the data begins another `data:` line; between JSON tokens, where alone it can stand, that changes nothing. */
export const sseFrame = (id: number, event: string, data: JsonText): string =>
  `id: ${id}\nevent: ${event}\ndata: ${data.replaceAll(/\r\n|\r|\n/g, '\ndata: ')}\n\n`

/** A sign of life that clients do not see. */
export const SSE_HEARTBEAT = ':\n\n'

/** How long a client should wait before it comes back. */
export const sseRetry = (ms: number): string => `retry: ${ms}\n\n`
