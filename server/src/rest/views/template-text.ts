/** A registered template as JSON text. */
import { attemptsAllowed, instantText, type Json, type JsonText, jsonOf, type StepSpec } from '@tasker/core'
import type { TemplateRecord } from '../../engine/api.js'
import type { InputProblem } from '../../faults.js'
import type { TemplateComparison } from '../../templates/compare.js'
import { arrayText, objectText } from '../json-text.js'
import { problemsText } from './problems-text.js'

export const templateListText = (records: readonly TemplateRecord[]): JsonText =>
  objectText({
    templates: arrayText(records.map((record) => objectText(headMembers(record)))),
    next_cursor: jsonOf(null),
  })

/** What a registration did, and what it found and took all the same. */
export interface RegisteredAs {
  readonly outcome: 'registered' | 'replaced' | 'unchanged'
  readonly warnings: readonly InputProblem[]
}

/** The template with its steps and the document as it was registered. */
export const templateText = (record: TemplateRecord, registered?: RegisteredAs): JsonText =>
  objectText({
    ...headMembers(record),
    ...(registered === undefined ? {} : { outcome: jsonOf(registered.outcome), warnings: problemsText(registered.warnings) }),
    environment: jsonOf(record.plan.template.environment ?? null),
    input_schema: jsonOf(record.plan.template.inputSchema ?? null),
    steps: jsonOf(record.plan.steps.map(stepJson)),
    content: jsonOf(record.content),
  })

const headMembers = (record: TemplateRecord): { readonly [name: string]: JsonText } => ({
  namespace: jsonOf(record.namespace),
  name: jsonOf(record.name),
  version: jsonOf(record.version),
  description: jsonOf(record.plan.template.description ?? null),
  hash: jsonOf(record.hash),
  step_count: jsonOf(record.plan.steps.length),
  registered_at: jsonOf(instantText(record.registeredAt)),
})

const stepJson = (step: StepSpec): Json => ({
  name: step.name,
  description: step.description ?? null,
  type: step.type,
  handler: { callable: step.handler.callable, method: step.handler.method, resolver: step.handler.resolver ?? null },
  dependencies: step.dependencies,
  max_attempts: attemptsAllowed(step.retry),
  timeout_ms: step.timeoutMs,
})

/** What differs between two versions. */
export const templateDiffText = (record: TemplateRecord, other: TemplateRecord, comparison: TemplateComparison): JsonText =>
  objectText({
    namespace: jsonOf(record.namespace),
    name: jsonOf(record.name),
    version: jsonOf(record.version),
    other: jsonOf(other.version),
    same: jsonOf(comparison.same),
    changes: jsonOf(comparison.changes.map((change) => ({ ...change }))),
    truncated: jsonOf(comparison.truncated),
    lines: jsonOf(comparison.lines),
  })
