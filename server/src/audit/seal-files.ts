/**
 * Published seals as files: `partition-N.jsonl`, one JSON object a line, appended and synchronised.
 *
 * F1  A line counts when its newline is there; what a crash left of one is cut off before the next is written.
 * F2  Nothing that ends in a newline is ever changed or removed.
 */
import { createReadStream } from 'node:fs'
import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { type Partition } from '@tasker/core'
import { linesIn } from './lines.js'
import type { PublishedLine } from './published-check.js'
import { PUBLISHED_SEAL, type PublishedSeal, type PublishedSeals } from './published-seals.js'

/** Far more than a line can be. */
const TAIL_BYTES = 64 * 1024
const NEWLINE = 10

export const sealFile = (directory: string, partition: number): string => join(directory, `partition-${partition}.jsonl`)

/** The directory is made when it is not there. */
export const sealFiles = (directory: string): PublishedSeals => ({
  last: (partition) => withFile(directory, partition, lastLine),
  append: (partition, seals) =>
    withFile(directory, partition, async (file) => {
      const { size } = await file.stat()
      await file.appendFile(seals.map((seal) => `${JSON.stringify(seal)}\n`).join(''))
      await file.sync()
      if (size === 0) await syncDirectory(directory)
    }),
})

const withFile = async <Result>(
  directory: string,
  partition: Partition,
  work: (file: FileHandle) => Promise<Result>,
): Promise<Result> => {
  await mkdir(directory, { recursive: true })
  const file = await open(sealFile(directory, partition), 'a+')
  try {
    return await work(file)
  } finally {
    await file.close()
  }
}

/** A file that is new is there for good when its directory is written too. */
const syncDirectory = async (directory: string): Promise<void> => {
  const opened = await open(directory, 'r')
  try {
    await opened.sync()
  } finally {
    await opened.close()
  }
}

/** F1. */
const lastLine = async (file: FileHandle): Promise<PublishedSeal | undefined> => {
  const { size } = await file.stat()
  const start = Math.max(0, size - TAIL_BYTES)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start)
  const end = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE) + 1
  if (start + end < size) {
    await file.truncate(start + end)
    await file.sync()
  }
  if (end === 0) return undefined
  const begin = buffer.lastIndexOf(NEWLINE, end - 2) + 1
  return publishedSeal(buffer.toString('utf8', begin, end - 1))
}

/** Throws when the line is no published seal. */
const publishedSeal = (line: string): PublishedSeal => {
  const read = PUBLISHED_SEAL.safeParse(jsonIn(line))
  if (read.success) return read.data
  throw new Error('the last line of the published seals cannot be read: it is no seal')
}

/** All lines of a partition, in order; none when there is no file. A line that is no seal comes without one. */
export async function* readSealFile(directory: string, partition: number): AsyncGenerator<PublishedLine> {
  const input = createReadStream(sealFile(directory, partition))
  let number = 0
  try {
    for await (const { text, isWhole } of linesIn(input)) {
      // F1: the server that writes the list makes a whole line of it, or none.
      if (!isWhole) return
      const read = PUBLISHED_SEAL.safeParse(jsonIn(text))
      yield { line: ++number, seal: read.success ? read.data : undefined }
    }
  } catch (error) {
    if (!isMissing(error)) throw error
  } finally {
    input.destroy()
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'

const jsonIn = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
