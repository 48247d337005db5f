/** Which read a moment leads to, and which moments cannot be meant. */
import { instant } from '@tasker/core'
import type { Engine } from '@tasker/server/internal/engine/api'
import { readAt } from '@tasker/server/internal/query/moment'
import { expect, test } from 'vitest'
import { startTestEngine, submissionOf } from '../../../support/engine.js'

const NOW = { version: undefined, at: undefined }

const opened = async () => {
  const made = await startTestEngine()
  await made.register('order', [{ name: 'a' }])
  const engine: Engine = made.engine
  return { engine, taskId: await made.submitted(submissionOf(1)) }
}

test('without a moment the task is read as it is, with one as it was', async () => {
  const { engine, taskId } = await opened()
  expect(await readAt(engine, taskId, NOW)).not.toHaveProperty('asOf')
  expect(await readAt(engine, taskId, { ...NOW, version: 1 })).toMatchObject({ version: 1, state: { steps: [] } })
  const later = { ...NOW, at: instant(Number.MAX_SAFE_INTEGER) }
  expect(await readAt(engine, taskId, later)).toMatchObject({ version: 3 })
})

test('two moments, and a version before the first, are refused with their place', async () => {
  const { engine, taskId } = await opened()
  const problems = (asked: { readonly version?: number; readonly at?: ReturnType<typeof instant> }): unknown => {
    try {
      return readAt(engine, taskId, { ...NOW, ...asked })
    } catch (error) {
      return error
    }
  }
  expect(problems({ version: 1, at: instant(1) })).toMatchObject({
    detail: { code: 'INVALID_INPUT', errors: [{ path: '/at_time' }] },
  })
  expect(problems({ version: 0 })).toMatchObject({ detail: { errors: [{ path: '/at_version' }] } })
})
