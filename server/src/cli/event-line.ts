/** One event of a task as one line: time, version, type, step, attempt, and what there is to say about it. */
import { type EventAnswer } from './answers.js'
import { type Colours } from './terminal.js'

const TYPE_WIDTH = 20
const STEP_WIDTH = 22
const NOTE_CHARS_MAX = 160

export const eventLine = (event: EventAnswer, colours: Colours): string => {
  const { data } = event
  const step = textOf(data['step_id']) ?? ''
  const attempt = textOf(data['attempt'])
  const cells = [
    colours.dim(clockTime(event.at)),
    colours.dim(String(event.version).padStart(4)),
    typeText(event.type, colours),
    step.padEnd(STEP_WIDTH),
    attempt === undefined ? '   ' : `#${attempt}`.padEnd(3),
    noteOf(event, colours),
  ]
  return cells.join('  ').trimEnd()
}

const clockTime = (at: string): string => at.slice(11, 23)

const COLOUR_OF: ReadonlyMap<string, 'green' | 'red' | 'yellow' | 'cyan'> = new Map([
  ['step.completed', 'green'],
  ['task.completed', 'green'],
  ['step.failed', 'red'],
  ['step.timed_out', 'red'],
  ['task.blocked', 'red'],
  ['task.cancelled', 'red'],
  ['task.failed', 'red'],
  ['compensation.failed', 'red'],
  ['function.diverged', 'red'],
  ['compensation.started', 'yellow'],
  ['step.retry_scheduled', 'yellow'],
  ['step.released', 'yellow'],
  ['task.cancel_requested', 'yellow'],
  ['step.started', 'cyan'],
])

const typeText = (type: string, colours: Colours): string => {
  const padded = type.padEnd(TYPE_WIDTH)
  const colour = COLOUR_OF.get(type)
  return colour === undefined ? padded : colours[colour](padded)
}

/** What the event says beside its step and attempt. */
const noteOf = (event: EventAnswer, colours: Colours): string => {
  const { type, data } = event
  const worker = textOf(data['worker_id'])
  switch (type) {
    case 'task.submitted':
      return `${textOf(data['namespace']) ?? ''}/${textOf(data['name']) ?? ''}@${textOf(data['version']) ?? ''}`
    case 'steps.created':
      return shortened(createdText(namesIn(data['steps']), namesIn(data['not_taken'])))
    case 'step.checkpointed':
      return `${textOf(data['items_processed']) ?? '?'} items so far`
    case 'step.started':
      return worker === undefined ? '' : colours.dim(`worker ${worker}`)
    case 'step.failed':
      return shortened(`${failureText(data['failure'])}${data['permanent'] === true ? ' (no further attempt)' : ''}`)
    case 'step.timed_out':
      return `after ${textOf(data['timeout_ms']) ?? '?'} ms`
    case 'step.retry_scheduled':
      return `in ${textOf(data['delay_ms']) ?? '?'} ms`
    case 'step.skipped':
      return shortened(`not so: ${textOf(data['condition']) ?? ''}`)
    case 'step.completed':
      return colours.dim(shortened(data['output'] === undefined ? '' : JSON.stringify(data['output'])))
    case 'task.failed':
      return shortened(`${textOf(data['code']) ?? ''}: ${textOf(data['message']) ?? ''}`)
    case 'compensation.started':
      return `takes back ${namesIn(data['steps'])}`
    case 'compensation.failed':
      return `${namesIn(data['steps'])} could not be taken back`
    case 'task.blocked':
      return `${namesIn(data['steps'])} failed for good: waits for a person`
    default:
      return shortened(functionNote(event) ?? textOf(data['reason']) ?? '')
  }
}

/** What the journal of a durable function took. */
const functionNote = ({ type, data }: EventAnswer): string | undefined => {
  const kind = textOf(data['kind']) ?? ''
  switch (type) {
    case 'effect.recorded':
      return [kind, textOf(data['key']), textOf(data['outcome']), failureText(data['failure'])].filter(Boolean).join(' ')
    case 'timer.started':
      return `${textOf(data['key']) ?? ''} until ${textOf(data['due_at']) ?? '?'}`
    case 'timer.fired':
    case 'timer.cancelled':
      return textOf(data['key']) ?? ''
    case 'child.started':
      return `${textOf(data['key']) ?? ''} is task ${textOf(data['task_id']) ?? '?'}`
    case 'child.ended':
      return [textOf(data['key']), textOf(data['outcome']), failureText(data['failure'])].filter(Boolean).join(' ')
    case 'signal.received':
      return `${textOf(data['name']) ?? ''} (number ${textOf(data['number']) ?? '?'})`
    case 'update.received':
      return `${textOf(data['name']) ?? ''} (${textOf(data['id']) ?? '?'})`
    case 'update.answered':
      return `${textOf(data['id']) ?? ''}: ${textOf(data['outcome']) ?? '?'}`
    case 'function.diverged':
      return `the journal has ${textOf(data['expected']) ?? '?'}, the code asked for ${textOf(data['actual']) ?? '?'}`
    default:
      return undefined
  }
}

const createdText = (created: string, notTaken: string): string => {
  if (notTaken === '') return created
  return created === '' ? `not taken: ${notTaken}` : `${created}; not taken: ${notTaken}`
}

const failureText = (failure: unknown): string => {
  if (typeof failure !== 'object' || failure === null) return ''
  const type = 'error_type' in failure ? textOf(failure.error_type) : undefined
  const message = 'message' in failure ? textOf(failure.message) : undefined
  return [type, message].filter((part) => part !== undefined && part !== '').join(': ')
}

const namesIn = (value: unknown): string => (Array.isArray(value) ? value.map(String).join(', ') : '')

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined

/** Control characters of a message would write over the terminal; long ones would hide the next line. */
const shortened = (text: string): string => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  const oneLine = text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
  return oneLine.length > NOTE_CHARS_MAX ? `${oneLine.slice(0, NOTE_CHARS_MAX - 1)}…` : oneLine
}
