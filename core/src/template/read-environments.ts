/** `environments`: what steps do otherwise under a name, such as `production`; the server says which name it runs under. */
import { stepId } from '../kernel/ids.js'
import { durationMs } from '../kernel/instant.js'
import { present } from '../kernel/invariant.js'
import { LIMITS } from '../limits.js'
import { listOf, memberMap, nameText, objectOf, openMap, type Reader } from './fields.js'
import { didYouMean, shown } from './nearest.js'
import { addProblem, type Findings } from './problem.js'
import { retryFields, retryPart } from './read-retry.js'
import { located, seconds, type Located } from './read-failure.js'
import type { StepFields } from './read-step.js'
import { ALL_STEPS, type StepOverride } from './template.js'

const overrideFields = objectOf({
  name: { read: located(nameText(LIMITS.nameCharsMax)), required: true },
  handler: { read: objectOf({ initialization: { read: openMap } }) },
  timeout_seconds: { read: seconds },
  retry: { read: retryFields },
})

type OverrideFields = NonNullable<ReturnType<typeof overrideFields>>

const environmentFields = objectOf({ steps: { read: listOf(overrideFields) } })

export type Environments = ReadonlyMap<string, NonNullable<ReturnType<typeof environmentFields>>>

export const environmentMap: Reader<Environments> = memberMap(environmentFields)

/** Notes overrides of steps that are not there. */
export const checkEnvironments = (
  environments: Environments | undefined,
  steps: readonly Located<StepFields>[],
  findings: Findings,
): void => {
  const known = new Set(steps.flatMap(({ value }) => value.name?.value ?? []))
  for (const [environment, { steps: overrides = [] }] of environments ?? [])
    for (const { name } of overrides) {
      if (name === undefined || name.value === ALL_STEPS || known.has(name.value)) continue
      const message = `${shown(environment)} overrides ${shown(name.value)}, which is no step of this template`
      addProblem(findings, 'UNKNOWN_STEP', name.path, message, { hint: didYouMean(findings, name.value, [...known, ALL_STEPS]) })
    }
}

/** To be called only when no problem was found. */
export const overridesOf = (environments: Environments | undefined): ReadonlyMap<string, readonly StepOverride[]> =>
  new Map([...(environments ?? [])].map(([name, { steps = [] }]) => [name, steps.map(overrideOf)]))

const overrideOf = (fields: OverrideFields): StepOverride => ({
  step: stepId(present(fields.name, 'the name of an override').value),
  initialization: fields.handler?.initialization ?? {},
  timeoutMs: fields.timeout_seconds === undefined ? undefined : durationMs(Math.round(fields.timeout_seconds * 1_000)),
  retry: fields.retry === undefined ? {} : retryPart(fields.retry),
})
