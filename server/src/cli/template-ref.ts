/** A template named at the command line: `name`, `namespace/name` or `namespace/name@version`. */
import { usageFault } from './exit.js'

/** The namespace of templates and tasks that name none. */
export const NAMESPACE_DEFAULT = 'default'

export interface TemplateRef {
  readonly namespace: string
  readonly name: string
  /** The latest when undefined. */
  readonly version: string | undefined
}

const TEMPLATE_REF = /^(?:(?<namespace>[^/@\s]+)\/)?(?<name>[^/@\s]+)(?:@(?<version>[^/@\s]+))?$/

export const templateRef = (text: string, namespace: string | undefined): TemplateRef => {
  const groups = TEMPLATE_REF.exec(text)?.groups
  if (groups?.['name'] === undefined) {
    throw usageFault(`'${text}' does not name a template`, 'write name, namespace/name or namespace/name@version')
  }
  return {
    namespace: groups['namespace'] ?? namespace ?? NAMESPACE_DEFAULT,
    name: groups['name'],
    version: groups['version'],
  }
}
