import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { directoryStore } from '@tasker/server/internal/archive/directory-store'
import { Fault } from '@tasker/server/internal/faults'
import { afterEach, describe, expect, test } from 'vitest'
import { describeArchiveStore } from './store-contract.js'

const made: string[] = []
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true })
})
const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'tasker-store-'))
  made.push(path)
  return path
}

describeArchiveStore('a directory', () => directoryStore(folder()))

const faultOf = async (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof Fault ? error.reason : String(error)),
  )

describe('a directory', () => {
  test('is made when it is not there yet', async () => {
    const path = join(folder(), 'deep', 'er')
    await directoryStore(path).put('shop/one', Buffer.from('x'))
    expect(readdirSync(join(path, 'shop'))).toEqual(['one'])
  })

  test('holds what a crash left unfinished, and nobody sees it', async () => {
    const path = folder()
    mkdirSync(join(path, 'shop'))
    writeFileSync(join(path, 'shop', 'one.unfinished'), 'half of')
    const store = directoryStore(path)
    expect(await store.list()).toEqual([])
    expect(await store.get('shop/one')).toBeUndefined()
    await store.put('shop/one', Buffer.from('all of it'))
    expect(readdirSync(join(path, 'shop'))).toEqual(['one'])
  })

  test('that cannot be written or read says so, and that nothing was removed', async () => {
    const path = folder()
    writeFileSync(join(path, 'shop'), '')
    const store = directoryStore(path)
    expect(await faultOf(store.put('shop/one', Buffer.from('x')))).toBe('ARCHIVE_NOT_WRITABLE')
    expect(await faultOf(store.get('shop/one'))).toBe('ARCHIVE_NOT_READABLE')
    expect(await faultOf(directoryStore(join(path, 'nowhere')).list())).toBe('ARCHIVE_NOT_READABLE')
  })
})
