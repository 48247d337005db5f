/** An explanation as a person reads it: what holds the task, then each step with its reason, and the chain behind it. */
import { type ExplanationAnswer } from './answers.js'
import { writeMoment } from './moment.js'
import { oneLine } from './one-line.js'
import { statusText } from './task-status.js'
import { type Terminal } from './terminal.js'

type Step = ExplanationAnswer['steps'][number]
type Wait = Pick<Step, 'why' | 'unblocked_by' | 'commands'>

export const writeExplanation = (
  terminal: Terminal,
  taskId: string,
  { status, as_of, reasons, steps }: ExplanationAnswer,
): void => {
  terminal.out(`task ${taskId} is ${statusText(status, terminal.colours)}`)
  writeMoment(terminal, as_of)
  for (const reason of reasons) writeWait(terminal, '  ', reason)
  if (steps.length === 0) terminal.out('every step that could run does')
  for (const step of steps) writeStep(terminal, step)
}

const writeStep = (terminal: Terminal, step: Step): void => {
  const { colours } = terminal
  terminal.out('')
  terminal.out(`${colours.bold(step.step_id)}  ${statusText(step.status, colours)}`)
  writeWait(terminal, '  ', step)
  for (const link of step.chain) {
    terminal.out(colours.dim(`    because ${link.step_id} (${link.status}): `) + oneLine(link.why))
  }
  if (step.chain_cut) terminal.out(colours.dim('    … and more before that'))
}

const writeWait = ({ out, colours }: Terminal, indent: string, { why, unblocked_by: unblockedBy, commands }: Wait): void => {
  out(`${indent}${oneLine(why)}`)
  out(`${indent}${colours.dim('goes on with:')} ${oneLine(unblockedBy)}`)
  for (const command of commands) out(`${indent}  ${colours.cyan('$')} ${command}`)
}
