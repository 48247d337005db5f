/** The facts of a template's stream: each version that was registered, and each one that took its place. */
import { type Namespace, namespaceOf, type TemplateHash, templateHash } from '@tasker/core'
import { type EncodedEvents, fieldsOf, objectsOf } from './codec.js'
import { UnknownEventError } from './codec/errors.js'
import type { StoredCommit, StreamRef } from './port.js'

export interface TemplateEvent {
  readonly type: 'template.registered' | 'template.replaced'
  readonly namespace: Namespace
  readonly name: string
  readonly version: string
  readonly hash: TemplateHash
  /** The document as registered. */
  readonly content: string
}

/** The stream of all versions of a template. */
export const templateStream = (namespace: Namespace, name: string): StreamRef => ({
  kind: 'template',
  id: `${namespace}/${name}`,
})

export const encodeTemplateEvent = ({ type, ...data }: TemplateEvent): EncodedEvents => ({
  types: [type],
  text: `[${JSON.stringify(data)}]`,
})

/** Throws `UnknownEventError` or `CorruptEventError`. */
export const decodeTemplateEvents = (commit: StoredCommit): readonly TemplateEvent[] => {
  const objects = objectsOf(commit)
  return commit.types.map((type, index) => {
    if (type !== 'template.registered' && type !== 'template.replaced') throw new UnknownEventError(type)
    const fields = fieldsOf(type, objects[index])
    return {
      type,
      namespace: namespaceOf(fields.text('namespace')),
      name: fields.text('name'),
      version: fields.text('version'),
      hash: templateHash(fields.text('hash')),
      content: fields.text('content'),
    }
  })
}
