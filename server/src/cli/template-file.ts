/** A template file, read and checked without a server: every finding with its line and column. */
import { readFile } from 'node:fs/promises'
import { type Plan } from '@tasker/core'
import { type FileProblem } from '../templates/parse.js'
import { usageFault } from './exit.js'

export interface FileCheck {
  readonly file: string
  readonly valid: boolean
  /** What makes the file refused. */
  readonly errors: readonly FileProblem[]
  /** What is read all the same, and should be written otherwise. */
  readonly warnings: readonly FileProblem[]
  /** What could be better said; nothing is wrong with it. Only when valid. */
  readonly notes: readonly FileProblem[]
  /** One line a finding, `file:line:column code message`, errors first. */
  readonly lines: readonly string[]
  /** Only when valid. */
  readonly plan: Plan | undefined
}

/** Reads and checks. A file that cannot be read is wrong usage, not a wrong template. */
export const checkTemplateFile = async (file: string): Promise<FileCheck> => {
  // Loaded here alone: the YAML and JSON Schema libraries would slow down every other command.
  const { formatProblems, readTemplate } = await import('../templates/parse.js')
  const reading = readTemplate(await readTemplateFile(file))
  const errors = reading.type === 'valid' ? [] : reading.problems
  const warnings = reading.type === 'unreadable' ? [] : reading.warnings
  const told = [...errors, ...warnings.map((warning) => ({ ...warning, message: `warning: ${warning.message}` }))]
  return {
    file,
    valid: reading.type === 'valid',
    errors,
    warnings,
    notes: reading.type === 'valid' ? reading.notes() : [],
    lines: told.length === 0 ? [] : formatProblems(file, told).split('\n'),
    plan: reading.type === 'valid' ? reading.plan : undefined,
  }
}

/** One line a note, as `lines` are. */
export const noteLines = async ({ file, notes }: FileCheck): Promise<readonly string[]> => {
  if (notes.length === 0) return []
  const { formatProblems } = await import('../templates/parse.js')
  return formatProblems(
    file,
    notes.map((note) => ({ ...note, message: `note: ${note.message}` })),
  ).split('\n')
}

export const readTemplateFile = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8')
  } catch (thrown) {
    throw usageFault(`cannot read ${file}: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  }
}
