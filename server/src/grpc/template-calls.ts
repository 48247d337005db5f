/** The calls of `TemplateService`. */
import { LIMITS, namespaceOf } from '@tasker/core'
import type {
  GetTemplateRequest,
  GetTemplateResponse,
  ListTemplatesRequest,
  ListTemplatesResponse,
  RegisterRequest,
  RegisterResponse,
  TemplateInfo,
} from '@tasker/proto'
import type { TemplateRecord } from '../engine/api.js'
import { Fault, type FaultDetail } from '../faults.js'
import type { GrpcDoor } from './door.js'
import { ANONYMOUS } from './submission.js'

export const registerTemplate = async (door: GrpcDoor, request: RegisterRequest): Promise<RegisterResponse> => {
  const bytes = Buffer.byteLength(request.content)
  if (bytes > LIMITS.templateBytesMax) throw new Fault(templateTooLarge(bytes))
  const answer = await door.engine.register(request.content, { replace: request.replace, actor: ANONYMOUS })
  if (answer.type === 'failed') throw new Fault(answer.fault)
  return { template: templateInfo(answer.record), unchanged: answer.type === 'unchanged' }
}

export const getTemplate = (door: GrpcDoor, request: GetTemplateRequest): GetTemplateResponse => {
  const version = request.version === '' ? undefined : request.version
  const record = door.engine.template(namespaceOf(request.namespace), request.name, version)
  if (record === undefined) throw new Fault(templateNotFound(door, request))
  return { template: templateInfo(record), content: record.content }
}

/** All templates, or those of a namespace. */
export const listTemplates = (door: GrpcDoor, request: ListTemplatesRequest): ListTemplatesResponse => ({
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

const templateTooLarge = (bytes: number): FaultDetail => ({
  code: 'TOO_LARGE',
  reason: 'TEMPLATE_TOO_LARGE',
  message: `the template has ${bytes} bytes; ${LIMITS.templateBytesMax} are allowed`,
  retryable: false,
})

/** Names in a hint; more than these help nobody. */
const NAMED_MAX = 20

const templateNotFound = (door: GrpcDoor, { namespace, name, version }: GetTemplateRequest): FaultDetail => {
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
