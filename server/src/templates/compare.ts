/** What differs between two template texts, for programs and for people. */
import { CHANGES_MAX, compareDocuments, type DocumentChange, type Json } from '@tasker/core'
import { lineDiff } from './diff.js'
import { readYaml } from './yaml-document.js'

export interface TemplateComparison {
  /** Nothing differs but formatting, comments and order. */
  readonly same: boolean
  readonly changes: readonly DocumentChange[]
  /** There are more changes than are listed. */
  readonly truncated: boolean
  /** The lines that differ; empty when a text is JSON of one line, of which nobody could read them. */
  readonly lines: string
}

/** Both texts must be YAML or JSON; one that is neither is compared as a text. */
export const compareTemplates = (before: string, after: string): TemplateComparison => {
  const changes = compareDocuments(documentOf(before), documentOf(after))
  const lines = before.includes('\n') && after.includes('\n') && changes.length > 0 ? lineDiff(before, after) : ''
  return { same: changes.length === 0, changes, truncated: changes.length >= CHANGES_MAX, lines }
}

const documentOf = (text: string): Json => {
  const reading = readYaml(text)
  return reading.type === 'read' ? reading.value : text
}

/** The difference of two texts for people: by lines where it has lines, otherwise a line a change. */
export const differenceText = (before: string, after: string): string => {
  const { changes, lines } = compareTemplates(before, after)
  return lines === '' ? changeLines(changes.slice(0, CHANGES_SHOWN_MAX)).join('\n') : lines
}

const CHANGES_SHOWN_MAX = 200

/** One line a change. */
export const changeLines = (changes: readonly DocumentChange[]): readonly string[] =>
  changes.map((change) => {
    switch (change.type) {
      case 'added':
        return `+ ${change.path}: ${shownValue(change.after)}`
      case 'removed':
        return `- ${change.path}: ${shownValue(change.before)}`
      case 'changed':
        return `~ ${change.path}: ${shownValue(change.before)} -> ${shownValue(change.after)}`
    }
  })

const VALUE_SHOWN_MAX = 120

const shownValue = (value: Json): string => {
  const text = JSON.stringify(value)
  return text.length <= VALUE_SHOWN_MAX ? text : `${text.slice(0, VALUE_SHOWN_MAX)}…`
}
