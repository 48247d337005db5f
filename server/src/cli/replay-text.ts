/** A frame of a replay as a person reads it: the event, what it changed, and how the task stands after it. */
import { type ReplayFrameAnswer } from './answers.js'
import { shortLine } from './one-line.js'
import { type Stand, type Stands } from './replay.js'
import { statusText } from './task-status.js'
import { type Colours } from './terminal.js'

/** Steps that stand on one line each; more are counted by their status. */
const STEPS_LISTED_MAX = 30

export const frameLines = (frame: ReplayFrameAnswer, stands: Stands, colours: Colours): readonly string[] => [
  `${colours.bold(`version ${frame.version}`)}  ${colours.dim(frame.at)}  ${frame.type}  ${colours.dim(`by ${shortLine(frame.actor)}`)}`,
  ...(frame.status_before === frame.status ? [] : [`  task: ${changeText(frame.status_before, frame.status, colours)}`]),
  ...frame.changes.map(({ step_id: step, from, to }) => `  ${step}: ${standChange(from, to, colours)}`),
  ...standLines(stands, colours).map((line) => colours.dim('  | ') + line),
]

const changeText = (from: string | null, to: string, colours: Colours): string =>
  from === null ? statusText(to, colours) : `${statusText(from, colours)} -> ${statusText(to, colours)}`

const standChange = (from: Stand | null, to: Stand, colours: Colours): string => {
  const parts = [
    from?.status === to.status ? statusText(to.status, colours) : changeText(from?.status ?? null, to.status, colours),
  ]
  if (from !== null && from.attempts !== to.attempts) parts.push(`attempt ${from.attempts} -> ${to.attempts}`)
  if (to.output && from?.output?.text !== to.output.text) parts.push(`output ${shortLine(to.output.text)}`)
  return parts.join(', ')
}

const standLines = (stands: Stands, colours: Colours): readonly string[] => {
  if (stands.size <= STEPS_LISTED_MAX) {
    return [...stands].map(
      ([step, { status, attempts }]) => `${step} ${statusText(status, colours)}${attempts > 1 ? ` #${attempts}` : ''}`,
    )
  }
  const counts = new Map<string, number>()
  for (const { status } of stands.values()) counts.set(status, (counts.get(status) ?? 0) + 1)
  return [[...counts].map(([status, count]) => `${count} ${statusText(status, colours)}`).join(', ')]
}
