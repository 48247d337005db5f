/** What can be wrong with a template: one problem a place, all of them at once. */

export type TemplateProblemCode =
  | 'YAML_SYNTAX'
  | 'MISSING_FIELD'
  | 'UNKNOWN_FIELD'
  | 'WRONG_TYPE'
  | 'OUT_OF_RANGE'
  | 'CONFLICTING_FIELDS'
  | 'DUPLICATE_STEP'
  | 'UNKNOWN_STEP'
  | 'UNKNOWN_DEPENDENCY'
  | 'DUPLICATE_DEPENDENCY'
  | 'SELF_DEPENDENCY'
  | 'CYCLE'
  | 'TOO_MANY_STEPS'
  | 'TOO_MANY_PROBLEMS'
  | 'BAD_SCHEMA'
  | 'BAD_EXPRESSION'
  | 'DECISION_WITHOUT_DEPENDENCY'
  | 'CONVERGENCE_WITHOUT_BRANCH'
  | 'UNKNOWN_WORKER_TEMPLATE'
  | 'DECISIONS_TOO_DEEP'
/** The format is right, but this server cannot run it yet: refused rather than ignored. */

export type TemplateWarningCode =
  | 'LEGACY_FIELD'
  | 'UNUSUAL_VALUE'
  | 'DEEP_DECISIONS'
  | 'MANY_BRANCHES'
  | 'NAMESPACE_TOO_LONG'
  | 'SCHEMA_NOT_OBJECT'
  | 'ORPHAN_STEP'
  | 'COMPOSITION_NOT_RUN'

export type TemplateNoteCode = 'NO_RESULT_SCHEMA'

export interface Finding<Code> {
  readonly code: Code
  /** JSON Pointer into the document. */
  readonly path: string
  /** Whether the finding is about the name of the field at `path`, not about its value. */
  readonly onKey: boolean
  /** One sentence for people, with the names in it. */
  readonly message: string
  /** What to do, where that is known. */
  readonly hint: string | undefined
}

export type TemplateProblem = Finding<TemplateProblemCode>
/** What is read all the same, and should be written otherwise. */
export type TemplateWarning = Finding<TemplateWarningCode>
/** What could be better said; nothing is wrong with it. */
export type TemplateNote = Finding<TemplateNoteCode>

/** Problems listed at most; a last one says that there are more. */
export const PROBLEMS_MAX = 1_000

/** Where problems are gathered while a document is read. */
export interface Findings {
  readonly problems: TemplateProblem[]
  readonly warnings: TemplateWarning[]
  readonly notes: TemplateNote[]
  /** Comparisons of names that are left for finding a near one: what keeps a hopeless file from costing minutes. */
  comparisonsLeft: number
}

const COMPARISONS_MAX = 20_000

export const noFindings = (): Findings => ({ problems: [], warnings: [], notes: [], comparisonsLeft: COMPARISONS_MAX })

export const addProblem = (
  findings: Findings,
  code: TemplateProblemCode,
  path: string,
  message: string,
  more: { readonly hint?: string | undefined; readonly onKey?: boolean } = {},
): void => {
  if (findings.problems.length === PROBLEMS_MAX) {
    const message = `more than ${PROBLEMS_MAX} problems; the rest is not listed`
    findings.problems.push({ code: 'TOO_MANY_PROBLEMS', path: '', onKey: false, message, hint: undefined })
  }
  if (findings.problems.length > PROBLEMS_MAX) return
  findings.problems.push({ code, path, onKey: more.onKey ?? false, message, hint: more.hint })
}

export const addWarning = (
  findings: Findings,
  code: TemplateWarningCode,
  path: string,
  message: string,
  more: { readonly hint?: string; readonly onKey?: boolean } = {},
): void => {
  if (findings.warnings.length < PROBLEMS_MAX)
    findings.warnings.push({ code, path, onKey: more.onKey ?? false, message, hint: more.hint })
}

export const addNote = (
  findings: Findings,
  code: TemplateNoteCode,
  path: string,
  message: string,
  more: { readonly hint?: string } = {},
): void => {
  if (findings.notes.length < PROBLEMS_MAX) findings.notes.push({ code, path, onKey: false, message, hint: more.hint })
}
