// Histories that were recorded once fit the code of today, and of every day: keys, dice and the order of turns are for ever.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { replay, type FunctionEnd, type FunctionHistory } from '@tasker/sdk'
import { expect, test } from 'vitest'
import { FUNCTIONS } from './functions.js'

interface Kept extends FunctionHistory {
  readonly function: string
  readonly end: FunctionEnd
}

const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.json'))

const kept = (file: string): Kept => JSON.parse(readFileSync(join(import.meta.dirname, file), 'utf8')) as Kept

const definitionOf = ({ function: name }: Kept) => {
  const definition = FUNCTIONS[name]
  if (definition === undefined) throw new Error(`no function ${name}`)
  return definition
}

test('histories are kept', () => {
  expect(files.length).toBeGreaterThanOrEqual(3)
})

test.each(files)('%s is replayed to the end that it had', async (file) => {
  const history = kept(file)
  const replayed = await replay(history, definitionOf(history))
  if (replayed.type !== 'ended') throw new Error('it does not end')
  // Where an error was thrown may move; what it says may not.
  const { end } = replayed
  expect(end.type === 'failed' ? { ...end, failure: { ...end.failure, stack: '' } } : end).toEqual(history.end)
})

test.each(files)('%s fits as far as it goes, wherever it is cut off', async (file) => {
  const history = kept(file)
  for (let length = 0; length < history.journal.length; length++) {
    await replay({ ...history, journal: history.journal.slice(0, length) }, definitionOf(history))
  }
})
