/** A template as it is under an environment. */
import type { Json } from '../kernel/json.js'
import { isObject, type JsonObject } from './fields.js'
import { ALL_STEPS, type StepOverride, type StepSpec, type Template } from './template.js'

/**
 * What the environment overrides is another, everything else is shared. What is said of `ALL` steps goes first, then what is said of each by
 * name; of two that say the same, the later in the file counts. The very template when the environment says nothing.
 */
export const inEnvironment = (template: Template, environment: string | undefined): Template => {
  const overrides = environment === undefined ? [] : (template.environments.get(environment) ?? [])
  if (overrides.length === 0) return template
  const ofAll: StepOverride[] = []
  const ofName = new Map<string, StepOverride[]>()
  for (const override of overrides) {
    if (override.step === ALL_STEPS) ofAll.push(override)
    else ofName.set(override.step, [...(ofName.get(override.step) ?? []), override])
  }
  const steps = template.steps.map((step) => [...ofAll, ...(ofName.get(step.name) ?? [])].reduce(overridden, step))
  return { ...template, environment, steps }
}

const overridden = (step: StepSpec, { initialization, timeoutMs, retry }: StepOverride): StepSpec => ({
  ...step,
  handler: { ...step.handler, initialization: merged(step.handler.initialization, initialization) },
  timeoutMs: timeoutMs ?? step.timeoutMs,
  retry: { ...step.retry, ...retry },
})

/** Maps are merged member by member, anything else is replaced. */
const merged = (base: JsonObject, over: JsonObject): JsonObject => {
  const members = new Map<string, Json>(Object.entries(base))
  for (const [key, value] of Object.entries(over)) {
    const before = members.get(key)
    members.set(key, before !== undefined && isObject(before) && isObject(value) ? merged(before, value) : value)
  }
  return Object.fromEntries(members)
}
