/** What must hold between conditions, joins and the steps before them. */
import { didYouMean, shown } from './nearest.js'
import { addProblem, addWarning, type Findings } from './problem.js'
import type { Located } from './read-failure.js'
import type { StepFields } from './read-step.js'

type Step = Located<StepFields>

/** Notes every broken rule. `scope` is the template's `dependency_scope`. */
export const checkConditions = (steps: readonly Step[], scope: 'ancestors' | 'direct', findings: Findings): void => {
  const byName = new Map(steps.map((step) => [step.value.name?.value ?? '', step]))
  for (const step of steps) {
    checkJoin(step, findings)
    checkReads(step, scope === 'direct' ? namesBefore(step) : ancestorNames(step, byName), findings)
  }
  checkCompensation(steps, findings)
}

const namesBefore = (step: Step | undefined): readonly string[] => (step?.value.dependencies ?? []).map(({ value }) => value)

const ancestorNames = (step: Step, byName: ReadonlyMap<string, Step>): readonly string[] => {
  if (step.value.when === undefined) return []
  const names = new Set(namesBefore(step))
  for (const name of names) for (const before of namesBefore(byName.get(name))) names.add(before)
  return [...names]
}

const checkReads = (step: Step, before: readonly string[], findings: Findings): void => {
  const { when } = step.value
  if (when === undefined || when.value.deps === 'all') return
  for (const name of when.value.deps) {
    if (before.includes(name)) continue
    const hint = didYouMean(findings, name, before)
    addProblem(findings, 'BAD_EXPRESSION', when.path, `it reads the result of ${shown(name)}, which is no step before this one`, {
      hint,
    })
  }
}

const checkJoin = ({ value: step }: Step, findings: Findings): void => {
  const { join, cancel_remaining: cancelRemaining } = step
  const count = step.dependencies?.length ?? 0
  const needed = join?.value === 'any' ? 1 : join?.value
  if (join !== undefined && typeof needed === 'number' && needed > count)
    addProblem(findings, 'OUT_OF_RANGE', join.path, `it waits for ${needed} of ${count} dependencies`)
  if (cancelRemaining?.value === true && typeof needed !== 'number') {
    const message = 'nothing remains to be cancelled where a step waits for all its dependencies'
    addProblem(findings, 'CONFLICTING_FIELDS', cancelRemaining.path, message, {
      onKey: true,
      hint: 'set "join" to any or to a number',
    })
  }
}

/** Compensation that has nothing to take back is allowed, and hardly what was meant. */
const checkCompensation = (steps: readonly Step[], findings: Findings): void => {
  if (steps.some(({ value }) => value.compensate !== undefined)) return
  for (const step of steps) {
    if (step.value.on_failure === 'compensate')
      addWarning(findings, 'UNUSUAL_VALUE', `${step.path}/on_failure`, 'no step of the template says how it is taken back', {
        hint: 'give steps a "compensate" handler',
      })
  }
}
