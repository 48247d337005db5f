/** What the log shows and hides. */
import { createLogger } from '@tasker/server/internal/telemetry/logger'
import { expect, test } from 'vitest'

const linesOf = (level: 'debug' | 'warn', write: (logger: ReturnType<typeof createLogger>) => void): readonly unknown[] => {
  const lines: unknown[] = []
  write(createLogger({ level, destination: { write: (line) => void lines.push(JSON.parse(line)) } }))
  return lines
}

test('an entry is one line of JSON with its instant, its level by name and its fields', () => {
  const [line] = linesOf('debug', (logger) => logger.info({ taskId: 'T' }, 'done'))
  expect(line).toMatchObject({ level: 'info', taskId: 'T', msg: 'done' })
  expect(JSON.stringify(line)).toMatch(/"time":"\d{4}-\d\d-\d\dT[^"]+Z"/)
})

test('secrets are taken out, wherever they usually stand', () => {
  const [line] = linesOf('debug', (logger) =>
    logger.info({ password: 'hush', headers: { authorization: 'Bearer hush' }, config: { databaseUrl: 'hush' } }, 'started'),
  )
  expect(JSON.stringify(line)).not.toContain('hush')
})

test('what is below the level is not written', () => {
  expect(linesOf('warn', (logger) => logger.info({}, 'quiet'))).toEqual([])
})
