/** The walls for short texts: names and reasons, which end up in columns. */
import { LIMITS } from '@tasker/core'
import type { InputProblem } from '../faults.js'

/** Adds what is wrong with a text that may be empty. Columns hold no NUL; half surrogate pairs cannot come in protobuf. */
export const checkText = (problems: InputProblem[], path: string, text: string, charsMax: number = LIMITS.nameCharsMax): void => {
  const name = path.slice(1)
  if (text.length > charsMax)
    problems.push({ code: 'OUT_OF_RANGE', path, message: `${name} is longer than ${charsMax} characters` })
  if (text.includes('\u0000')) problems.push({ code: 'WRONG_TYPE', path, message: `${name} holds a NUL character` })
}

export const requireText = (problems: InputProblem[], path: string, text: string): void => {
  if (text === '') problems.push({ code: 'MISSING_FIELD', path, message: `${path.slice(1)} is empty` })
  else checkText(problems, path, text)
}
