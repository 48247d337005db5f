/** What PostgreSQL acknowledged survives its own death (L5), and the log comes back by itself. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '@tasker/dev-postgres'
import { migrate } from '@tasker/server/internal/database/migrate'
import { openPostgresLog } from '@tasker/server/internal/log/postgres/postgres-log'
import { expect, onTestFinished, test } from 'vitest'
import { allOf, draft, P0, rowsFrom, task } from './drafts.js'

const APPENDS_BEFORE_CRASH = 50
const TRIES_MAX = 400

test('a PostgreSQL that is killed while commits stream in loses none that it acknowledged', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tasker-crash-'))
  const first = await startPostgres({ dataDir })
  await migrate(first.url)
  const log = await openPostgresLog({ url: first.url, partitionCount: 1 })
  onTestFinished(async () => {
    await log.close()
    await first.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })

  let seq = 0
  let crashed = Promise.resolve()
  const appendNext = () => log.append(rowsFrom(seq + 1, draft({ stream: task(`t${seq + 1}`) })))
  for (;;) {
    const result = await appendNext()
    if (result.type !== 'appended') {
      // The connection ended under this append, or just before it.
      expect(['unknown', 'unavailable']).toContain(result.type)
      break
    }
    if (++seq === APPENDS_BEFORE_CRASH) crashed = first.kill9()
  }
  await crashed
  expect(seq).toBeGreaterThanOrEqual(APPENDS_BEFORE_CRASH)
  expect((await appendNext()).type).toBe('unavailable')

  const second = await startPostgres({ dataDir, port: first.port })
  onTestFinished(() => second.stop())
  let again = await appendNext()
  for (let tries = 0; again.type === 'unavailable' && tries < TRIES_MAX; tries++) again = await appendNext()
  // The commit whose answer was lost may have been written before the crash.
  expect(['appended', 'collided']).toContain(again.type)
  const stored = await allOf(log.readPartition(P0, 0))
  expect(stored.map((commit) => commit.stream.id)).toEqual(Array.from({ length: seq + 1 }, (_, index) => `t${index + 1}`))
})
