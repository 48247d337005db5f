/** The calls of `TemplateService`. */
import { type DocumentChange, LIMITS, namespaceOf } from '@tasker/core'
import {
  type DiffTemplatesRequest,
  type DiffTemplatesResponse,
  type GetTemplateRequest,
  type GetTemplateResponse,
  type ListTemplatesRequest,
  type ListTemplatesResponse,
  type RegisterRequest,
  type RegisterResponse,
  type TemplateChange,
  TemplateChange_Kind,
  type TemplateInfo,
  type ValidateTemplateRequest,
  type ValidateTemplateResponse,
} from '@tasker/proto'
import type { TemplateRecord } from '../engine/api.js'
import { Fault, type FaultDetail } from '../faults.js'
import { compareTemplates } from '../templates/compare.js'
import { readTemplate } from '../templates/parse.js'
import type { EngineDoor } from './door.js'
import { fieldProblem } from './errors.js'
import { ANONYMOUS } from './submission.js'

export const registerTemplate = async (door: EngineDoor, request: RegisterRequest): Promise<RegisterResponse> => {
  assertSize(request.content)
  const answer = await door.engine.register(request.content, { replace: request.replace, actor: ANONYMOUS })
  if (answer.type === 'failed') throw new Fault(answer.fault)
  return {
    template: templateInfo(answer.record),
    unchanged: answer.type === 'unchanged',
    warnings: answer.warnings.map(fieldProblem),
  }
}

export const checkTemplate = ({ content }: ValidateTemplateRequest): ValidateTemplateResponse => {
  assertSize(content)
  const reading = readTemplate(content)
  return {
    valid: reading.type === 'valid',
    errors: reading.type === 'valid' ? [] : reading.problems.map(fieldProblem),
    warnings: reading.type === 'unreadable' ? [] : reading.warnings.map(fieldProblem),
    notes: reading.type === 'valid' ? reading.notes().map(fieldProblem) : [],
  }
}

export const getTemplate = (door: EngineDoor, request: GetTemplateRequest): GetTemplateResponse => {
  const record = registered(door, request)
  return { template: templateInfo(record), content: record.content }
}

export const diffTemplates = (door: EngineDoor, request: DiffTemplatesRequest): DiffTemplatesResponse => {
  const record = registered(door, request)
  const other = registered(door, { ...request, version: request.other })
  const { same, changes, truncated, lines } = compareTemplates(record.content, other.content)
  return { template: templateInfo(record), other: templateInfo(other), same, changes: changes.map(wireChange), truncated, lines }
}

const registered = (door: EngineDoor, request: GetTemplateRequest): TemplateRecord => {
  const version = request.version === '' ? undefined : request.version
  const record = door.engine.template(namespaceOf(request.namespace), request.name, version)
  if (record === undefined) throw new Fault(templateNotFound(door, request))
  return record
}

const wireChange = (change: DocumentChange): TemplateChange => ({
  kind: KIND_OF[change.type],
  path: change.path,
  beforeJson: change.type === 'added' ? '' : JSON.stringify(change.before),
  afterJson: change.type === 'removed' ? '' : JSON.stringify(change.after),
})

const KIND_OF: { readonly [Type in DocumentChange['type']]: TemplateChange_Kind } = {
  added: TemplateChange_Kind.KIND_ADDED,
  removed: TemplateChange_Kind.KIND_REMOVED,
  changed: TemplateChange_Kind.KIND_CHANGED,
}

/** All templates, or those of a namespace. */
export const listTemplates = (door: EngineDoor, request: ListTemplatesRequest): ListTemplatesResponse => ({
  templates: door.engine
    .templates()
    .filter(({ namespace }) => request.namespace === '' || namespace === request.namespace)
    .map(templateInfo),
})

const templateInfo = (record: TemplateRecord): TemplateInfo => ({
  namespace: record.namespace,
  name: record.name,
  version: record.version,
  hash: record.hash,
  registeredAtMs: record.registeredAt,
})

const assertSize = (content: string): void => {
  const bytes = Buffer.byteLength(content)
  if (bytes > LIMITS.templateBytesMax) throw new Fault(templateTooLarge(bytes))
}

const templateTooLarge = (bytes: number): FaultDetail => ({
  code: 'TOO_LARGE',
  reason: 'TEMPLATE_TOO_LARGE',
  message: `the template has ${bytes} bytes; ${LIMITS.templateBytesMax} are allowed`,
  retryable: false,
})

/** Names in a hint; more than these help nobody. */
const NAMED_MAX = 20

const templateNotFound = (door: EngineDoor, { namespace, name, version }: GetTemplateRequest): FaultDetail => {
  const there = door.engine.templates().filter((record) => record.namespace === namespace)
  const versions = there.filter((record) => record.name === name).map((record) => record.version)
  const names = there.map((record) => `${record.name} ${record.version}`)
  return {
    code: 'NOT_FOUND',
    reason: 'TEMPLATE_NOT_FOUND',
    message: `there is no template ${namespace}/${name}${version === '' ? '' : ` ${version}`}`,
    hint:
      versions.length > 0
        ? `versions of ${namespace}/${name}: ${versions.slice(-NAMED_MAX).join(', ')}`
        : `templates of namespace ${namespace}: ${names.length === 0 ? 'none' : names.slice(0, NAMED_MAX).join(', ')}`,
    retryable: false,
  }
}
