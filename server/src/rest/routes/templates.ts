/** `/v1/templates`: register, list, read and check templates. */
import { LIMITS, namespaceOf } from '@tasker/core'
import type { RegisterAnswer, TemplateRecord } from '../../engine/api.js'
import { Fault } from '../../faults.js'
import { compareTemplates } from '../../templates/compare.js'
import type { BodyRules } from '../body/rules.js'
import type { RestDoor } from '../door.js'
import { ANONYMOUS, type App, sendJson } from '../route.js'
import { problems } from '../schema/problem.js'
import {
  REGISTER_QUERY,
  TEMPLATE,
  TEMPLATE_DIFF,
  TEMPLATE_DIFF_QUERY,
  TEMPLATE_DOCUMENT,
  TEMPLATE_LIST,
  TEMPLATE_LIST_QUERY,
  TEMPLATE_PATH,
} from '../schema/template.js'
import { templateDiffText, templateListText, templateText } from '../views/template-text.js'

export const DOCUMENT_BODY: BodyRules = { form: 'document', bytesMax: LIMITS.templateBytesMax, optional: false }

export const addTemplateRoutes = (app: App, door: RestDoor): void => {
  addRegisterRoute(app, door)
  app.get(
    '/v1/templates',
    {
      schema: {
        tags: ['templates'],
        summary: 'List the registered templates',
        querystring: TEMPLATE_LIST_QUERY,
        response: { 200: TEMPLATE_LIST, ...problems(422) },
      },
    },
    async ({ query }, reply) => {
      const shown = door.engine
        .templates()
        .filter(({ namespace, name }) => (query.namespace ?? namespace) === namespace && (query.name ?? name) === name)
      return sendJson(reply, 200, templateListText(shown))
    },
  )
  app.get(
    '/v1/templates/:namespace/:name/:version',
    {
      schema: {
        tags: ['templates'],
        summary: 'Read a template',
        description: '`latest` as the version gives the highest.',
        params: TEMPLATE_PATH,
        response: { 200: TEMPLATE, ...problems(404) },
      },
    },
    async ({ params }, reply) => {
      return sendJson(reply, 200, templateText(registeredTemplate(door, params)))
    },
  )
  addDiffRoute(app, door)
}

const addDiffRoute = (app: App, door: RestDoor): void => {
  app.get(
    '/v1/templates/:namespace/:name/:version/diff',
    {
      schema: {
        tags: ['templates'],
        summary: 'Compare two versions of a template',
        description: 'What changes from this version to the other, whatever the formatting and the order of keys and steps.',
        params: TEMPLATE_PATH,
        querystring: TEMPLATE_DIFF_QUERY,
        response: { 200: TEMPLATE_DIFF, ...problems(404, 422) },
      },
    },
    async ({ params, query }, reply) => {
      const record = registeredTemplate(door, params)
      const other = registeredTemplate(door, { ...params, version: query.other })
      return sendJson(reply, 200, templateDiffText(record, other, compareTemplates(record.content, other.content)))
    },
  )
}

const registeredTemplate = (door: RestDoor, address: TemplateAddress): TemplateRecord => {
  const version = address.version === 'latest' ? undefined : address.version
  const record = door.engine.template(namespaceOf(address.namespace), address.name, version)
  if (record === undefined) throw templateNotFound(address, door.engine.templates())
  return record
}

const addRegisterRoute = (app: App, door: RestDoor): void => {
  app.post(
    '/v1/templates',
    {
      config: { body: DOCUMENT_BODY },
      schema: {
        tags: ['templates'],
        summary: 'Register a template',
        description:
          'YAML or JSON. The same content again changes nothing; other content under the same version is refused unless `replace=true`.',
        querystring: REGISTER_QUERY,
        consumes: ['application/yaml', 'application/json'],
        body: TEMPLATE_DOCUMENT,
        response: {
          201: TEMPLATE.describe('Registered.'),
          200: TEMPLATE.describe('Replaced, or there already.'),
          ...problems(400, 409, 413, 415, 422, 503),
        },
      },
    },
    async ({ query, body }, reply) => {
      const answer = await door.engine.register(body, { replace: query.replace ?? false, actor: ANONYMOUS })
      if (answer.type === 'failed') throw new Fault(answer.fault)
      const outcome = outcomeOf(answer)
      const { namespace, name, version } = answer.record
      reply.header('location', `/v1/templates/${[namespace, name, version].map(encodeURIComponent).join('/')}`)
      return sendJson(
        reply,
        outcome === 'registered' ? 201 : 200,
        templateText(answer.record, { outcome, warnings: answer.warnings }),
      )
    },
  )
}

const outcomeOf = (answer: Exclude<RegisterAnswer, { readonly type: 'failed' }>): 'registered' | 'replaced' | 'unchanged' => {
  if (answer.type === 'unchanged') return 'unchanged'
  return answer.replaced ? 'replaced' : 'registered'
}

interface TemplateAddress {
  readonly namespace: string
  readonly name: string
  readonly version: string
}

/** What exists near the address that was asked for, nearest first. */
const templateNotFound = ({ namespace, name, version }: TemplateAddress, records: readonly TemplateRecord[]): Fault => {
  const here = records.filter((record) => record.namespace === namespace)
  const versions = here.filter((record) => record.name === name).map((record) => record.version)
  const known = versions.length > 0 ? `versions ${listed(versions)}` : `templates ${listed(here.map((record) => record.name))}`
  const nothing = versions.length === 0 && here.length === 0
  return new Fault({
    code: 'NOT_FOUND',
    reason: 'TEMPLATE_NOT_FOUND',
    message: `There is no template ${namespace}/${name} ${version}.`,
    hint: nothing
      ? `Namespaces with templates: ${listed(records.map((record) => record.namespace))}.`
      : `There are the ${known}.`,
  })
}

const NAMES_LISTED_MAX = 20

const listed = (names: readonly string[]): string => {
  const distinct = [...new Set(names)]
  if (distinct.length === 0) return 'none'
  return distinct.slice(0, NAMES_LISTED_MAX).join(', ') + (distinct.length > NAMES_LISTED_MAX ? ', …' : '')
}
