/** A comparison of two tasks as a person reads it: where they parted, then what each has that the other has not. */
import { type ChangesAnswer, type DiffAnswer } from './answers.js'
import { shortLine } from './one-line.js'
import { writeTable } from './table.js'
import { type Terminal } from './terminal.js'

export const writeDifference = (terminal: Terminal, a: string, b: string, diff: DiffAnswer): void => {
  const { out, colours } = terminal
  out(`a  ${a}  ${diff.template.a}  ${diff.status.a}  ${diff.duration_ms.a} ms`)
  out(`b  ${b}  ${diff.template.b}  ${diff.status.b}  ${diff.duration_ms.b} ms`)
  out(diff.same ? 'they are the same, but for times, ids and workers' : colours.bold('they differ'))
  if (!diff.same_template) out('the templates they began with differ')
  writeDivergence(terminal, diff.first_divergence)
  writeChanges(terminal, 'context', diff.context)
  writeChanges(terminal, 'result', diff.result)
  if (diff.only_in.a.length > 0) out(`only a has: ${diff.only_in.a.join(', ')}`)
  if (diff.only_in.b.length > 0) out(`only b has: ${diff.only_in.b.join(', ')}`)
  for (const step of diff.steps) if (step.differs) writeStep(terminal, step)
  writeTimes(terminal, diff.steps)
  if (diff.cut) terminal.err(colours.yellow('more differs than is shown here'))
}

const writeDivergence = ({ out }: Terminal, divergence: DiffAnswer['first_divergence']): void => {
  if (divergence === null) return
  const { step_id: step, number, a, b } = divergence
  out(`they parted at event ${number} of ${step === null ? 'the task' : `step ${step}`}:`)
  for (const [side, mark] of [
    ['a', a],
    ['b', b],
  ] as const) {
    out(`  ${side}  ${mark === null ? 'has none' : `version ${mark.version}  ${mark.type}  ${shortLine(mark.said)}`}`)
  }
}

const writeChanges = ({ out, colours }: Terminal, what: string, changes: ChangesAnswer): void => {
  for (const { path, before, after } of changes) {
    out(`${what} ${path === '' ? '(all of it)' : path}`)
    if (before !== null) out(`  ${colours.red(`- ${shortLine(before.text)}`)}`)
    if (after !== null) out(`  ${colours.green(`+ ${shortLine(after.text)}`)}`)
  }
}

const writeStep = (terminal: Terminal, step: DiffAnswer['steps'][number]): void => {
  const { out, colours } = terminal
  const { step_id: name, status, attempts, failure } = step
  if (status.a !== status.b) out(`step ${name}: ${status.a} in a, ${status.b} in b`)
  if (attempts.a !== attempts.b) out(`step ${name}: ${attempts.a} attempts in a, ${attempts.b} in b`)
  if (failure.a !== failure.b) {
    out(`step ${name}: last failure in a ${shortLine(failure.a ?? 'none')}, in b ${shortLine(failure.b ?? 'none')}`)
  }
  writeChanges(terminal, `step ${name} output`, step.output)
  if (step.same_input_other_output) out(colours.yellow(`step ${name}: the same input, and another output`))
}

const writeTimes = (terminal: Terminal, steps: DiffAnswer['steps']): void => {
  terminal.out('')
  const rows = steps.map(({ step_id: name, waiting_ms: waiting, running_ms: running }) => [
    name,
    `${waiting.a} / ${waiting.b}`,
    `${running.a} / ${running.b}`,
  ])
  writeTable(terminal, ['STEP', 'WAITING ms a / b', 'RUNNING ms a / b'], rows, 'they have no step in common')
}
