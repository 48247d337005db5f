/** The plans of one template: as its file says, and as each environment has it. Each has a hash of its own, by which tasks stay on it. */
import { hash } from 'node:crypto'
import { inEnvironment, planOf, templateHash, type Plan, type TemplateHash } from '@tasker/core'

/** The plan under an environment; the very plan when the environment changes nothing. */
export const planIn = (plan: Plan, environment: string | undefined): Plan => {
  const template = inEnvironment(plan.template, environment)
  return template === plan.template || environment === undefined ? plan : planOf(template, hashIn(plan.hash, environment))
}

/** The hashes a task of this content may have, and under which environment it would have each. */
export const environmentHashes = (plan: Plan): readonly (readonly [TemplateHash, string])[] =>
  [...plan.template.environments].flatMap(([environment, overrides]) =>
    overrides.length === 0 ? [] : [[hashIn(plan.hash, environment), environment] as const],
  )

const hashIn = (content: TemplateHash, environment: string): TemplateHash =>
  templateHash(hash('sha256', JSON.stringify([content, environment]), 'hex'))
