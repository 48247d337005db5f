/** The ranges an analyzer made, as workers get them: named, no more than the template allows, or why they cannot be carried out. */
import { elementAt } from '../kernel/invariant.js'
import { JSON_NULL } from '../kernel/json.js'
import { LIMITS } from '../limits.js'
import type { BatchRange } from './choice.js'

export type Ranges =
  | { readonly type: 'ranges'; readonly ranges: readonly BatchRange[] }
  | { readonly type: 'wrong'; readonly message: string }

/** The one range of a batch with nothing to do. */
export const NO_OP_RANGE: BatchRange = { id: '000', start: JSON_NULL, end: JSON_NULL, size: 0 }

const ID_DIGITS_MIN = 3
const HALF_PAIR = /^[\ud800-\udfff]$/

/** The step of a worker. */
export const workerName = (template: string, id: string): string => `${template}_${id}`

/**
 * At most `workersMax` ranges with ids of their own. More are joined with their neighbours, evenly, where each ends as the next begins: nothing is
 * left out and nothing done twice; where they do not meet, nothing can be joined.
 */
export const preparedRanges = (asked: readonly BatchRange[], workersMax: number): Ranges => {
  if (asked.length === 0) return wrong('no range is named; a batch without work says no_batches')
  const joined = asked.length > workersMax ? joinedRanges(asked, workersMax) : asked
  if (joined === undefined) {
    return wrong(
      `${asked.length} ranges are more than the ${workersMax} workers of the template, and they do not meet end to start`,
    )
  }
  const named = joined.map((range, index) => (range.id === '' ? { ...range, id: idOf(index, joined.length) } : range))
  const ids = new Set<string>()
  for (const { id } of named) {
    if (!isName(id)) return wrong(`${JSON.stringify(id)} is no name for a batch`)
    if (ids.has(id)) return wrong(`two ranges are called ${JSON.stringify(id)}`)
    ids.add(id)
  }
  return { type: 'ranges', ranges: named }
}

/** As for every name: no blank at its ends, no control characters, no halves of surrogate pairs. */
const isName = (id: string): boolean =>
  id.trim() === id &&
  id.length <= LIMITS.nameCharsMax &&
  Array.from(id).every((character) => character >= ' ' && character !== '\u007f' && !HALF_PAIR.test(character))

const wrong = (message: string): Ranges => ({ type: 'wrong', message })

const idOf = (index: number, count: number): string =>
  String(index + 1).padStart(Math.max(ID_DIGITS_MIN, String(count).length), '0')

const joinedRanges = (asked: readonly BatchRange[], workersMax: number): readonly BatchRange[] | undefined => {
  const joined: BatchRange[] = []
  for (let worker = 0; worker < workersMax; worker++) {
    const from = Math.floor((worker * asked.length) / workersMax)
    const to = Math.floor(((worker + 1) * asked.length) / workersMax)
    const group = asked.slice(from, to)
    const [first, last] = [elementAt(group, 0, 'ranges'), elementAt(group, group.length - 1, 'ranges')]
    if (group.some((range, index) => index > 0 && range.start !== group[index - 1]?.end)) return undefined
    joined.push({ id: first.id, start: first.start, end: last.end, size: group.reduce((sum, { size }) => sum + size, 0) })
  }
  return joined
}
