/** A function that asks for something else than its journal holds: what was expected, what came, where it was asked for. */
import { kindOf, type JournalFact, type KeyedEntry, type OperationKind } from './entries.js'

/** Where an operation was asked for; the text is made when somebody reads it. */
export interface Site {
  readonly stack?: string
}

/** An operation as it is told to people. */
export interface Told {
  readonly kind: OperationKind
  readonly key: string
  /** The handler of a call, or the name of a child. */
  readonly target?: string
}

export interface Divergence {
  /** What the journal holds at the first place that differs. */
  readonly expected: Told | 'end'
  /** What the function asked for in its place: an operation, nothing, or it had ended. */
  readonly actual: Told | 'end' | 'nothing'
  /** The line that asked for it; empty where there is none. */
  readonly line: string
  /** One sentence for people. */
  readonly message: string
}

/** The caller of a function, without the function and what it called. One frame is looked at, however deep the call is. */
export const siteOf = (below: (...args: never[]) => unknown): Site => {
  const site: Site = {}
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 1
  Error.captureStackTrace(site, below)
  Error.stackTraceLimit = stackTraceLimit
  return site
}

/** `file:line:column` of the call. */
export const lineOf = ({ stack }: Site): string => {
  const frame = stack?.split('\n').find((line) => /^\s+at /.test(line))
  const place = frame === undefined ? undefined : /\(?((?:file:\/\/)?[^\s()]+:\d+:\d+)\)?$/.exec(frame)
  return place?.[1] ?? ''
}

const spoken: Readonly<Record<OperationKind, string>> = {
  step: 'the step',
  call: 'the call',
  child: 'the child',
  timer: 'the sleep',
  signal: 'the wait for a signal',
  send: 'the signal to another task',
}

/** An operation in words, such as `the step charge`. */
export const inWords = ({ kind, key, target }: Told): string =>
  target === undefined || target === key ? `${spoken[kind]} ${key}` : `${spoken[kind]} ${key} (${target})`

/** What stands, or was asked for, at the place that differs, in words. */
export const placeInWords = (what: Told | 'end' | 'nothing'): string => {
  if (what === 'end') return 'its end'
  return what === 'nothing' ? 'nothing' : inWords(what)
}

export const divergenceOf = (
  expected: Divergence['expected'],
  actual: Divergence['actual'],
  site: Site | undefined,
): Divergence => {
  const line = site === undefined ? '' : lineOf(site)
  const came = actual === 'end' ? 'the function ended' : `the function asked for ${placeInWords(actual)}`
  const message = `the journal has ${placeInWords(expected)} where ${came}${line === '' ? '' : ` (${line})`}`
  return { expected, actual, line, message }
}

/** An entry as the operation it speaks of. */
export const entryTold = (entry: KeyedEntry): Told => {
  const kind = kindOf(entry)
  return 'target' in entry ? { kind, key: entry.key, target: entry.target } : { kind, key: entry.key }
}

/** Whether an entry can speak of an operation. */
export const speaksOf = (entry: KeyedEntry, operation: Told): boolean => {
  const said = entryTold(entry)
  return said.kind === operation.kind && (said.target === undefined || said.target === operation.target)
}

/** Whether an entry names an operation by its key. */
export const isKeyed = (entry: JournalFact): entry is KeyedEntry =>
  'key' in entry && !(entry.type === 'effect.recorded' && (entry.kind === 'patch' || entry.kind === 'state'))
