/** A template's text, read: a plan that tasks can run on, or every problem with its line and column. */
import { createHash } from 'node:crypto'
import {
  canonicalText,
  planOf,
  pointerSegments,
  templateHash,
  validateTemplate,
  type Json,
  type Plan,
  type TemplateHash,
  type TemplateNote,
  type TemplateProblem,
  type TemplateWarning,
} from '@tasker/core'
import type { InputProblem } from '../faults.js'
import { schemaFaults } from './json-schema.js'
import { type PlacedSchema, schemasOf } from './schema-places.js'
import { readYaml, type YamlFault } from './yaml-document.js'
import type { Placing } from './yaml-places.js'

/** A problem of a file: its place is always known. */
export interface FileProblem extends InputProblem {
  readonly line: number
  readonly column: number
}

export type TemplateReading =
  | {
      readonly type: 'valid'
      readonly plan: Plan
      readonly warnings: readonly FileProblem[]
      /** Asked for by people only: finding the places costs another reading of a text that came as JSON. */
      readonly notes: () => readonly FileProblem[]
    }
  /** The text is no YAML, or says what JSON cannot: all problems are `YAML_SYNTAX`. */
  | { readonly type: 'unreadable'; readonly problems: readonly FileProblem[] }
  /** The document was read and is no template. */
  | { readonly type: 'invalid'; readonly problems: readonly FileProblem[]; readonly warnings: readonly FileProblem[] }

/** Reads YAML, or JSON which is YAML too. Problems and warnings come in the order of the text. */
export const readTemplate = (text: string): TemplateReading => {
  const yaml = readYaml(text)
  if (yaml.type === 'unreadable') return { type: 'unreadable', problems: yaml.faults.map(syntaxProblem) }
  const { value, place } = yaml
  const check = validateTemplate(value)
  const toFile = (found: readonly (TemplateProblem | TemplateWarning | TemplateNote)[]): readonly FileProblem[] =>
    found.map((finding) => fileProblem(finding, place)).toSorted((a, b) => a.line - b.line || a.column - b.column)
  const problems = [...(check.type === 'invalid' ? check.problems : []), ...schemaProblems(value)]
  const warnings = toFile(check.warnings)
  if (check.type === 'invalid' || problems.length > 0) return { type: 'invalid', problems: toFile(problems), warnings }
  return { type: 'valid', plan: planOf(check.template, contentHash(value)), warnings, notes: () => toFile(check.notes) }
}

/**
 * Reads what was registered once: its schemas compiled then, and what there was to say of it was said, so a start does not wait for all of that
 * again. Undefined when this program cannot read it any more.
 */
export const storedPlan = (text: string): Plan | undefined => {
  const yaml = readYaml(text)
  if (yaml.type === 'unreadable') return undefined
  const check = validateTemplate(yaml.value)
  return check.type === 'invalid' ? undefined : planOf(check.template, contentHash(yaml.value))
}

/** SHA-256 of the canonical JSON of a document: comments, formatting and the order of keys do not make other content. */
export const contentHash = (document: Json): TemplateHash =>
  templateHash(createHash('sha256').update(canonicalText(document), 'utf8').digest('hex'))

/** One line a problem, `file:line:column code message`, with its hint behind. */
export const formatProblems = (file: string, problems: readonly InputProblem[]): string =>
  problems.map((problem) => `${file}:${problem.line ?? 1}:${problem.column ?? 1} ${problem.code} ${withHint(problem)}`).join('\n')

const withHint = ({ message, hint }: InputProblem): string => (hint === undefined ? message : `${message} (${hint})`)

const syntaxProblem = (fault: YamlFault): FileProblem => ({
  code: 'YAML_SYNTAX',
  path: '',
  message: fault.message,
  line: fault.line,
  column: fault.column,
  ...(fault.hint === undefined ? {} : { hint: fault.hint }),
})

const fileProblem = (finding: TemplateProblem | TemplateWarning | TemplateNote, place: Placing): FileProblem => {
  const { code, path, message, hint, onKey } = finding
  return { code, path, message, ...place(pointerSegments(path), onKey), ...(hint === undefined ? {} : { hint }) }
}

/** Every schema that is enforced, with its place. */
const schemaProblems = (document: Json): readonly TemplateProblem[] =>
  schemasOf(document).flatMap(({ place, schema }) => problemsOfSchema(schema, place))

const problemsOfSchema = (schema: PlacedSchema['schema'], at: string): readonly TemplateProblem[] =>
  schemaFaults(schema).map(({ path, message, hint }) => ({
    code: 'BAD_SCHEMA',
    path: `${at}${path}`,
    onKey: false,
    message: `the schema is not valid: ${message}`,
    hint,
  }))
