/** What was found in a template, one entry a place. */
import { type JsonText, jsonOf } from '@tasker/core'
import type { InputProblem } from '../../faults.js'

export const problemsText = (found: readonly InputProblem[]): JsonText =>
  jsonOf(
    found.map(({ code, message, path, line, column, hint }) => ({
      code,
      message,
      path,
      line: line ?? null,
      column: column ?? null,
      hint: hint ?? null,
    })),
  )
