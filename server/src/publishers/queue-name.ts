/** The name a namespace has at a transport: queues take letters, digits and underscores, and not many of them. */
import { createHash } from 'node:crypto'

const SUFFIX = '_domain_events'
/** What pgmq allows. */
const QUEUE_CHARS_MAX = 47
const SLUG_CHARS_MAX = QUEUE_CHARS_MAX - SUFFIX.length
const HASH_CHARS = 8

/** The namespace itself where it can be; else something like it that no other namespace has. */
export const namespaceSlug = (namespace: string): string => {
  if (/^[a-z0-9_]+$/.test(namespace) && namespace.length <= SLUG_CHARS_MAX) return namespace
  const hash = createHash('sha256').update(namespace, 'utf8').digest('hex').slice(0, HASH_CHARS)
  const readable = namespace
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]/g, '_')
    .slice(0, SLUG_CHARS_MAX - HASH_CHARS - 1)
  return `${readable}_${hash}`
}

export const queueName = (namespace: string): string => `${namespaceSlug(namespace)}${SUFFIX}`
