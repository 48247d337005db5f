/** Published seals in files: appended whole, read back, mended after a crash (F1, F2). */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { elementAt } from '@tasker/core'
import type { PublishedLine } from '@tasker/server/internal/audit/published-check'
import { readSealFile, sealFile, sealFiles } from '@tasker/server/internal/audit/seal-files'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { commitsOf, newSealKey, PARTITION, sealsOf, taskIdOf } from '../../../support/sealed.js'

const root = mkdtempSync(join(tmpdir(), 'tasker-published-'))
afterAll(() => rmSync(root, { recursive: true }))
let folder = ''
let folders = 0
beforeEach(() => {
  folder = join(root, String(folders++), 'made', 'on', 'demand')
})

const seals = sealsOf(commitsOf(Array.from({ length: 400 }, () => taskIdOf('A'))), 2, newSealKey()).map((seal) => ({
  seq: seal.to_seq + 1,
  seal,
}))
const some = seals.slice(0, 3)

const lines = async (): Promise<readonly PublishedLine[]> => {
  const read: PublishedLine[] = []
  for await (const line of readSealFile(folder, PARTITION)) read.push(line)
  return read
}

describe('a file of published seals', () => {
  test('gives back what was appended, and its last', async () => {
    const files = sealFiles(folder)
    expect(await files.last(PARTITION)).toBeUndefined()
    await files.append(PARTITION, some.slice(0, 1))
    await files.append(PARTITION, some.slice(1))
    expect(await files.last(PARTITION)).toEqual(some[2])
    expect((await lines()).map(({ seal }) => seal)).toEqual(some)
    expect((await lines()).map(({ line }) => line)).toEqual([1, 2, 3])
  })

  test('longer than what is read of its end gives its last all the same', async () => {
    const files = sealFiles(folder)
    await files.append(PARTITION, seals)
    expect(readFileSync(sealFile(folder, PARTITION)).length).toBeGreaterThan(64 * 1024)
    expect(await sealFiles(folder).last(PARTITION)).toEqual(seals.at(-1))
    expect(await lines()).toHaveLength(seals.length)
  })

  test.each(['{"seq":7,"seal":{"form', '\0\0\0\0\0', '{'])('loses what a crash left of a line: %j', async (half) => {
    const files = sealFiles(folder)
    await files.append(PARTITION, some.slice(0, 2))
    appendFileSync(sealFile(folder, PARTITION), half)
    expect((await lines()).map(({ seal }) => seal)).toEqual(some.slice(0, 2))
    expect(await files.last(PARTITION)).toEqual(some[1])
    await files.append(PARTITION, some.slice(2))
    expect((await lines()).map(({ seal }) => seal)).toEqual(some)
  })

  test('that holds nothing but half a line is empty', async () => {
    const files = sealFiles(folder)
    await files.append(PARTITION, [])
    appendFileSync(sealFile(folder, PARTITION), '{"seq":7')
    expect(await files.last(PARTITION)).toBeUndefined()
    expect(readFileSync(sealFile(folder, PARTITION), 'utf8')).toBe('')
  })

  test('whose last whole line is no seal is left alone', async () => {
    const files = sealFiles(folder)
    await files.append(PARTITION, some.slice(0, 1))
    writeFileSync(sealFile(folder, PARTITION), 'not a seal\n')
    await expect(files.last(PARTITION)).rejects.toThrow('it is no seal')
    expect(await lines()).toEqual([{ line: 1, seal: undefined }])
  })

  test('that is not there holds nothing', async () => {
    expect(await lines()).toEqual([])
  })

  test('that cannot be read says so', async () => {
    writeFileSync(join(root, 'a-file'), '')
    folder = join(root, 'a-file')
    await expect(lines()).rejects.toThrow('ENOTDIR')
    await expect(sealFiles(folder).append(PARTITION, [elementAt(some, 0, 'a seal')])).rejects.toThrow()
  })
})
