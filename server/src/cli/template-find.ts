/** Finds a registered template by its name, the latest version when none is given. */
import { latestVersion } from '@tasker/core'
import { templateAnswer, type TemplateAnswer, templateList } from './answers.js'
import { Fault } from '../faults.js'
import { type HttpClient } from './http-client.js'
import { templateRef } from './template-ref.js'

export interface FoundTemplate {
  readonly template: TemplateAnswer
  /** The server's answer as it came. */
  readonly text: string
}

/** Throws `NOT_FOUND` when there is none. */
export const findTemplate = async (http: HttpClient, name: string, namespace: string | undefined): Promise<FoundTemplate> => {
  const ref = templateRef(name, namespace)
  const version = ref.version ?? (await latest(http, ref.namespace, ref.name))
  const path = `/v1/templates/${[ref.namespace, ref.name, version].map(encodeURIComponent).join('/')}`
  const { text } = await http.send({ method: 'GET', path })
  return { template: templateAnswer.parse(JSON.parse(text)), text }
}

const latest = async (http: HttpClient, namespace: string, name: string): Promise<string> => {
  const { templates } = await http.json({ method: 'GET', path: '/v1/templates', query: { namespace, name } }, templateList)
  const version = latestVersion(
    templates.filter((one) => one.namespace === namespace && one.name === name).map((one) => one.version),
  )
  if (version !== undefined) return version
  throw new Fault({
    code: 'NOT_FOUND',
    reason: 'TEMPLATE_NOT_FOUND',
    message: `no template ${namespace}/${name} is registered`,
    hint: 'what is registered: tasker template list',
  })
}
