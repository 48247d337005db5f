/** What a worker's result says of the domain events of its step, checked against their schemas before anything is decided. */
import {
  type EventNote,
  type EventNotes,
  type EventProblem,
  type JsonText,
  type LiveTask,
  type PublishedEvent,
  speaksOf,
} from '@tasker/core'
import type { SchemaCheck } from '../templates/json-schema.js'
import type { AttemptResult } from './api.js'

/** Undefined when there is nothing to note, which costs a plain step one look. */
export const eventNotes = (task: LiveTask, result: AttemptResult, check: SchemaCheck): EventNotes | undefined => {
  if (!task.plan.publishes) return undefined
  const publishes = task.graph.steps[task.graph.indexOf.get(result.step) ?? -1]?.publishes ?? []
  const notes = publishes.map((declared) => noteOf(declared, result, check))
  return notes.some((note) => note !== undefined) ? notes : undefined
}

const noteOf = (declared: PublishedEvent, { outcome, events = [] }: AttemptResult, check: SchemaCheck): EventNote | undefined => {
  if (!mayBeTold(declared, outcome.type === 'completed')) return undefined
  const given = events.find(({ name }) => name === declared.name)
  if (given?.withheld === true) return { withheld: true }
  const output = outcome.type === 'completed' ? outcome.output : undefined
  const problems = [...(given?.problems ?? []), ...schemaProblems(declared, given?.payload ?? output, check)]
  const note: EventNote = {
    ...(given?.payload === undefined ? {} : { payload: given.payload }),
    ...(given?.metadata === undefined ? {} : { metadata: given.metadata }),
    ...(problems.length === 0 ? {} : { problems }),
  }
  return Object.keys(note).length === 0 ? undefined : note
}

/** Whether a failure will be retried is decided later; so much is known before. */
const mayBeTold = ({ condition }: PublishedEvent, succeeded: boolean): boolean =>
  succeeded
    ? speaksOf(condition, 'success')
    : speaksOf(condition, 'retryable_failure') || speaksOf(condition, 'permanent_failure')

/** The schema is for what handlers and publishers say; a failure told as it is has our own shape. */
const schemaProblems = (
  { schema }: PublishedEvent,
  payload: JsonText | undefined,
  check: SchemaCheck,
): readonly EventProblem[] =>
  schema === undefined || payload === undefined
    ? []
    : check(schema, payload).map(({ code, path, message }) => ({ code, path, message }))
