/** What a template may say, and should think about: told with the answer, never a reason to refuse it. */
import type { Json } from '../kernel/json.js'
import { isArray, type JsonObject } from './fields.js'
import { shown } from './nearest.js'
import { addNote, addWarning, type Findings } from './problem.js'
import type { Located } from './read-failure.js'
import type { StepFields } from './read-step.js'

/** Longer namespaces do not fit the names of queues in the original. */
const NAMESPACE_CHARS_USUAL = 29

type Step = Located<StepFields>

export interface LintedFields {
  readonly namespace_name?: string
  readonly input_schema?: JsonObject
  readonly steps?: readonly Step[]
}

/** For a template without problems. */
export const lintTemplate = (
  { namespace_name: namespace = '', input_schema, steps = [] }: LintedFields,
  findings: Findings,
): void => {
  if (namespace.length > NAMESPACE_CHARS_USUAL)
    addWarning(
      findings,
      'NAMESPACE_TOO_LONG',
      '/namespace_name',
      `${namespace.length} characters; the original takes ${NAMESPACE_CHARS_USUAL}`,
    )
  if (input_schema !== undefined) lintSchema(input_schema, '/input_schema', 'a context', findings)
  for (const step of steps) lintStep(step, findings)
  noteOrphans(steps, findings)
}

const lintStep = ({ value: step, path }: Step, findings: Findings): void => {
  const name = shown(step.name?.value ?? '?')
  if (step.result_schema === undefined)
    addNote(findings, 'NO_RESULT_SCHEMA', path, `${name} does not say what its result looks like`, {
      hint: 'declare result_schema',
    })
  else lintSchema(step.result_schema, `${path}/result_schema`, `a result of ${name}`, findings)
  if (step.composition !== undefined)
    addWarning(
      findings,
      'COMPOSITION_NOT_RUN',
      `${path}/composition`,
      `the composition of ${name} is kept for people; its handler runs the step`,
      {
        onKey: true,
      },
    )
}

const lintSchema = (schema: JsonObject, path: string, what: string, findings: Findings): void => {
  const type = Object.hasOwn(schema, 'type') ? schema.type : undefined
  if (type === undefined || allowsObject(type)) return
  addWarning(findings, 'SCHEMA_NOT_OBJECT', `${path}/type`, `by this schema ${what} is no object`, { hint: 'write type: object' })
}

const allowsObject = (type: Json): boolean => (isArray(type) ? type.includes('object') : type === 'object')

/** A step that waits for nothing and that nothing waits for, among others that do. */
const noteOrphans = (steps: readonly Step[], findings: Findings): void => {
  if (steps.length < 2) return
  const awaited = new Set(steps.flatMap(({ value }) => (value.dependencies ?? []).map((dependency) => dependency.value)))
  for (const { value, path } of steps) {
    const name = value.name?.value ?? '?'
    if (awaited.has(name) || (value.dependencies ?? []).length > 0) continue
    addWarning(findings, 'ORPHAN_STEP', path, `${shown(name)} waits for no step, and no step waits for it`)
  }
}
