/**
 * The stream of a template: which versions were registered, and with which content.
 *
 * R1  The same content under the same version again makes no event.
 * R2  Other content under the same version is refused, unless the caller says `replace`.
 * R3  A hash is never forgotten: running tasks stay on the content they started with.
 */
import { accept, type Decider, type Decision } from '../kernel/decider.js'
import type { Namespace, TemplateHash } from '../kernel/ids.js'
import { latestVersion } from './semver.js'

export interface TemplateRegistered {
  readonly type: 'template.registered'
  readonly namespace: Namespace
  readonly name: string
  readonly version: string
  readonly hash: TemplateHash
  /** The document as registered. */
  readonly content: string
}

export interface TemplateReplaced extends Omit<TemplateRegistered, 'type'> {
  readonly type: 'template.replaced'
}

export type TemplateEvent = TemplateRegistered | TemplateReplaced

export interface RegisterTemplate extends Omit<TemplateRegistered, 'type'> {
  readonly type: 'register'
  /** Whether other content may take the place of what is there. */
  readonly replace: boolean
}

export interface TemplateRefusal {
  readonly code: 'CONFLICT'
  readonly reason: 'TEMPLATE_CONFLICT'
  readonly message: string
  /** What is registered, for a diff against what was sent. */
  readonly registered: string
  readonly hash: TemplateHash
}

export interface RegisteredContent {
  readonly version: string
  readonly hash: TemplateHash
  readonly content: string
}

export interface TemplateStream {
  /** The content of each version as it is now. */
  readonly versions: ReadonlyMap<string, RegisteredContent>
  /** Every content there ever was, replaced ones too. */
  readonly contents: ReadonlyMap<TemplateHash, RegisteredContent>
}

export const NO_TEMPLATE: TemplateStream = { versions: new Map(), contents: new Map() }

/** The current content of the highest version: a release before any pre-release. */
export const latestRegistered = (state: TemplateStream): RegisteredContent | undefined => {
  const version = latestVersion(state.versions.keys())
  return version === undefined ? undefined : state.versions.get(version)
}

const decide = (state: TemplateStream, command: RegisterTemplate): Decision<TemplateEvent, TemplateRefusal> => {
  const { namespace, name, version, hash, content } = command
  const current = state.versions.get(version)
  if (current === undefined)
    return accept<TemplateEvent>({ type: 'template.registered', namespace, name, version, hash, content })
  if (current.hash === hash) return accept<TemplateEvent>()
  if (command.replace) return accept<TemplateEvent>({ type: 'template.replaced', namespace, name, version, hash, content })
  const message = `${namespace}/${name} ${version} is registered already with other content`
  const { content: registered, hash: registeredHash } = current
  return {
    type: 'refused',
    refusal: { code: 'CONFLICT', reason: 'TEMPLATE_CONFLICT', message, registered, hash: registeredHash },
  }
}

const evolve = (state: TemplateStream, event: TemplateEvent): TemplateStream => {
  const { version, hash, content } = event
  const registered: RegisteredContent = { version, hash, content }
  return {
    versions: new Map(state.versions).set(version, registered),
    contents: new Map(state.contents).set(hash, registered),
  }
}

export const templateStream: Decider<TemplateStream, RegisterTemplate, TemplateEvent, TemplateRefusal> = { decide, evolve }
