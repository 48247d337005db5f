import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { durationMs, instant, present, type TaskId, taskIdFrom } from '@tasker/core'
import {
  archiveContent,
  archiveName,
  indexName,
  linesName,
  type TaskToArchive,
} from '@tasker/server/internal/archive/archive-file'
import { archivedTaskText } from '@tasker/server/internal/archive/archived-text'
import { directoryStore } from '@tasker/server/internal/archive/directory-store'
import { findArchived, type FoundTask } from '@tasker/server/internal/archive/find-archived'
import { lineOf } from '@tasker/server/internal/archive/line'
import type { ArchiveStore } from '@tasker/server/internal/archive/store'
import type { ProofDocument } from '@tasker/server/internal/audit/proof'
import { readProof } from '@tasker/server/internal/audit/read-proof'
import { Fault } from '@tasker/server/internal/faults'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { commitsOf, startTestEngine, submissionOf, templateText, type TestEngine } from '../../../support/engine.js'
import { newSealKey } from '../../../support/sealed.js'

const STEPS = [{ name: 'a' }, { name: 'b', after: ['a'] }]

const SEALING = { commitsMax: 10_000, afterMs: durationMs(1_000), published: undefined, trouble: () => undefined }

let folder: string
let store: ArchiveStore
let made: TestEngine
let hash: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tasker-find-'))
  store = directoryStore(folder)
  made = await startTestEngine({ sealing: { ...SEALING, key: newSealKey() } })
  await made.register('order', STEPS)
  hash = String(made.engine.templates()[0]?.hash)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const proven = async (taskId: TaskId): Promise<ProofDocument> => {
  const archived = () => Promise.resolve(undefined)
  const sealed = () => Promise.reject(new Error('all is sealed'))
  return present(await readProof({ log: made.log, sealed, archived }, taskId), 'the proof of a task')
}

/** The tasks of these numbers, complete and in an archive. */
const archived = async (...numbers: readonly number[]): Promise<{ readonly name: string; readonly ids: readonly TaskId[] }> => {
  const worker = made.worker()
  const ids: TaskId[] = []
  for (const n of numbers) ids.push(await made.submitted(submissionOf(n)))
  await worker.workOff()
  await made.clock.advance(2 * SEALING.afterMs)
  const tasks: TaskToArchive[] = []
  for (const taskId of ids) {
    const commits = await commitsOf(made.log, taskId)
    const last = commits[commits.length - 1]
    if (last === undefined) throw new Error('a task has commits')
    tasks.push({ taskId, line: lineOf(await proven(taskId)), status: 'complete', endedAt: last.at, lastHash: last.hash })
  }
  const name = archiveName('shop', tasks)
  const { lines, index } = await archiveContent(name, [{ hash, content: templateText('order', STEPS) }], tasks)
  await store.put(linesName(name), lines)
  await store.put(indexName(name), index)
  return { name, ids }
}

const first = ([one]: readonly TaskId[]): TaskId => present(one, 'the first task')
const second = ([, two]: readonly TaskId[]): TaskId => present(two, 'the second task')

const reasonOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing is wrong',
    (error: unknown) => (error instanceof Fault ? `${error.reason}: ${error.message}` : String(error)),
  )

const shown = (found: FoundTask | undefined): unknown => (found === undefined ? undefined : JSON.parse(archivedTaskText(found)))

test('a task in an archive is what it was when it ended, with every event', async () => {
  const { name, ids } = await archived(1, 2, 3)
  for (const taskId of ids) {
    const live = await made.soon(made.engine.read(taskId))
    const found = await findArchived(store, taskId)
    expect(found?.state).toEqual(live?.state)
    expect(found?.version).toBe(live?.version)
    expect(found?.events).toEqual(await made.soon(made.engine.history(taskId, 0, 100)))
    expect(shown(found)).toMatchObject({
      task_id: taskId,
      status: 'complete',
      archive: name,
      steps: [{ step_id: 'a' }, { step_id: 'b' }],
    })
  }
})

test('a task that no archive holds is not found', async () => {
  await archived(1)
  expect(await findArchived(store, taskIdFrom(1_750_000_000_000, new Uint8Array(10).fill(9)))).toBeUndefined()
})

test('an archive without its index is looked through, with the templates of those beside it', async () => {
  const { name, ids } = await archived(1, 2)
  const indexed = await findArchived(store, second(ids))
  rmSync(join(folder, indexName(name)))
  expect(await reasonOf(findArchived(store, second(ids)))).toMatch(/the template order@1.0.0 that it ran on/)
  await archived(3)
  expect(await findArchived(store, second(ids))).toEqual(indexed)
})

test('archives of tasks that all ended before the task was asked for are passed over', async () => {
  const { name, ids } = await archived(1)
  const early = name.replace(/\/[^-]*-/, '/20010101T000000000Z-')
  // It cannot be read, and nobody tries.
  await store.put(linesName(early), Buffer.from('no archive'))
  expect((await findArchived(store, first(ids)))?.archive).toBe(name)
})

test('the same tasks give the same name, in the order of their ends', () => {
  const task = (n: number, endedAt: number): TaskToArchive => ({
    taskId: taskIdFrom(n, new Uint8Array(10)),
    line: '{}',
    status: 'complete',
    endedAt: instant(endedAt),
    lastHash: Buffer.alloc(32, n),
  })
  const late = Date.UTC(2026, 9, 25, 9, 14, 3, 7)
  const name = archiveName('shop', [task(1, 5), task(2, late)])
  expect(name).toMatch(/^shop\/20261025T091403007Z-[0-9a-f]{16}$/)
  expect(archiveName('shop', [task(1, 5), task(2, late)])).toBe(name)
  expect(archiveName('shop', [task(1, 5), task(3, late)])).not.toBe(name)
  expect(archiveName('../x', [task(1, 5)])).toMatch(/^%2E\.%2Fx\/1970/)
})

describe('an archive that was changed', () => {
  const edited = async (edit: (line: string) => string): Promise<string> => {
    const { name, ids } = await archived(1)
    const path = join(folder, linesName(name))
    const line = gzipSync(edit(gunzipSync(readFileSync(path)).toString('utf8')))
    writeFileSync(path, line)
    const index = join(folder, indexName(name))
    writeFileSync(index, readFileSync(index, 'utf8').replace(/"length":\d+/, `"length":${line.length}`))
    return reasonOf(findArchived(store, first(ids)))
  }

  test('is whole as long as nothing of it is', async () => {
    expect(await edited((line) => line)).toBe('nothing is wrong')
  })

  test.each([
    ['an output', (line: string) => line.replace('\\"output\\":{}', '\\"output\\":{\\"paid\\":true}')],
    ['who did it', (line: string) => line.replace('"actor":"tester"', '"actor":"somebody"')],
    ['the order of its commits', (line: string) => line.replace(/("first_version":)1,/, '$12,')],
    [
      'a commit that is gone',
      (line: string) => line.replace(/\{"partition":[^{}]*?"first_version":1,.*?"hash":"[0-9a-f]{64}"[^}]*\},/, ''),
    ],
  ])('is found out: %s', async (_what, edit) => {
    expect(await edited(edit)).toMatch(/^ARCHIVE_DAMAGED: the archive shop\/.* is not what was written: /)
  })

  test('is found out when it is cut short', async () => {
    const { name, ids } = await archived(1)
    const path = join(folder, linesName(name))
    writeFileSync(path, readFileSync(path).subarray(0, -20))
    expect(await reasonOf(findArchived(store, first(ids)))).toMatch(/^ARCHIVE_DAMAGED: /)
  })

  test('is found out when its template is another', async () => {
    const { name, ids } = await archived(1)
    const index = join(folder, indexName(name))
    writeFileSync(index, readFileSync(index, 'utf8').replaceAll('max_attempts\\":3', 'max_attempts\\":9'))
    expect(await reasonOf(findArchived(store, first(ids)))).toMatch(
      /the template order@1.0.0 that it ran on is not in the archive/,
    )
  })
})
