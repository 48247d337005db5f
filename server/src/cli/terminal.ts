/** Where a command writes: lines to stdout for what was asked, lines to stderr for everything else, colours only for people. */
import pc from 'picocolors'
import { type Fault } from '../faults.js'

export type Colours = ReturnType<typeof pc.createColors>

export interface Terminal {
  /** Writes a line of the answer. */
  readonly out: (line: string) => void
  /** Writes a line beside the answer: errors, hints, progress. */
  readonly err: (line: string) => void
  readonly colours: Colours
}

export interface OutputStream {
  write(text: string): unknown
}

/** A terminal over two streams. */
export const terminalOver = (stdout: OutputStream, stderr: OutputStream, coloured: boolean): Terminal => ({
  out: (line) => void stdout.write(`${line}\n`),
  err: (line) => void stderr.write(`${line}\n`),
  colours: pc.createColors(coloured),
})

/** Colours are for terminals, unless `NO_COLOR` is set to anything (https://no-color.org). */
export const wantsColours = (isTerminal: boolean, noColour: string | undefined): boolean => (isTerminal ? !noColour : false)

/** A fault as a person reads it: code, reason, sentence, failing fields, hint. */
export const faultLines = (fault: Fault, colours: Colours): readonly string[] => {
  const { code, reason, message, hint, errors = [] } = fault.detail
  const name = reason === code ? code : `${code} ${reason}`
  return [
    `${colours.red('error')} ${colours.bold(name)}: ${message}`,
    ...errors.map((problem) => {
      const place =
        problem.line === undefined ? problem.path || '/' : `${problem.line}:${problem.column ?? 1} ${problem.path}`.trimEnd()
      return `  ${place} ${problem.code} ${problem.message}${problem.hint === undefined ? '' : ` (${problem.hint})`}`
    }),
    ...(hint === undefined ? [] : [`  ${colours.cyan('hint')} ${hint}`]),
  ]
}

/** A fault as a program reads it: one JSON object on one line. */
export const faultJson = (fault: Fault): string => {
  const { code, reason, message, retryable, hint, errors, context } = fault.detail
  return JSON.stringify({ error: { code, reason, message, retryable, hint, errors, ...context } })
}
