import { expect, test } from 'vitest'
import { backlogInTurns } from '../../bench/backlog-in-turns.js'

/** Tasks that end when they are told to, in the order in which they were submitted. */
const tasks = () => {
  const waiting: { resolve: () => void; reject: (error: unknown) => void }[] = []
  let most = 0
  return {
    submit: () =>
      Promise.resolve({
        result: () =>
          new Promise<void>((resolve, reject) => {
            waiting.push({ resolve, reject })
            most = Math.max(most, waiting.length)
          }),
      }),
    waiting,
    most: () => most,
  }
}

test('every result is waited for, so many at once', async () => {
  const { submit, waiting, most } = tasks()
  const backlog = backlogInTurns(submit, 3)
  for (let n = 0; n < 10; n++) await backlog.submit()
  let isDone = false
  const done = backlog.done().then(() => (isDone = true))
  for (let ended = 0; ended < 10; ended++) {
    expect(isDone).toBe(false)
    expect(waiting).toHaveLength(Math.min(3, 10 - ended))
    waiting.shift()?.resolve()
    await new Promise(setImmediate)
  }
  await done
  expect(most()).toBe(3)
})

test('a task without a result fails the backlog, before it is waited for or meanwhile', async () => {
  for (const isEarly of [true, false]) {
    const { submit, waiting } = tasks()
    const backlog = backlogInTurns(submit, 3)
    await backlog.submit()
    const fail = (): void => waiting[0]?.reject(new Error('lost'))
    if (isEarly) fail()
    await new Promise(setImmediate)
    const done = backlog.done()
    if (!isEarly) fail()
    await expect(done).rejects.toThrow('has no result')
  }
})

test('a backlog of nothing is done', async () => {
  await backlogInTurns(tasks().submit, 3).done()
})
