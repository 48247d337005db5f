/** Archives in a directory: a file a name, written beside it, flushed to the disk and then renamed. */
import { mkdir, open, readdir, rename } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { Fault } from '../faults.js'
import type { ArchiveStore, ByteRange } from './store.js'

/** A file that is not whole yet; nobody reads it. */
const UNFINISHED = '.unfinished'

export const directoryStore = (directory: string): ArchiveStore => ({
  place: directory,
  put: async (name, content) => {
    const path = pathOf(directory, name)
    try {
      await putFile(directory, path, content)
    } catch (error) {
      throw notWritten(path, error)
    }
  },
  get: async (name, range) => {
    const path = pathOf(directory, name)
    try {
      return await readPart(path, range)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw notRead(path, error)
    }
  },
  list: async () => {
    try {
      const entries = await readdir(directory, { recursive: true, withFileTypes: true })
      return entries
        .filter((entry) => entry.isFile() && !entry.name.endsWith(UNFINISHED))
        .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'))
        .sort()
    } catch (error) {
      throw notRead(directory, error)
    }
  },
})

const pathOf = (directory: string, name: string): string => {
  const parts = name.split('/')
  if (parts.some((part) => part === '' || part === '.' || part === '..' || /[\\\0]/.test(part)))
    throw new TypeError(`${JSON.stringify(name)} names no archive`)
  return join(directory, ...parts)
}

const putFile = async (directory: string, path: string, content: Uint8Array): Promise<void> => {
  const folder = dirname(path)
  const made = await mkdir(folder, { recursive: true })
  const unfinished = `${path}${UNFINISHED}`
  const file = await open(unfinished, 'w')
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(unfinished, path)
  await syncFolder(folder)
  // A folder is durable when the one that names it is.
  if (made !== undefined) for (let at = folder; at.length >= directory.length; at = dirname(at)) await syncFolder(dirname(at))
}

const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

const readPart = async (path: string, range: ByteRange | undefined): Promise<Buffer> => {
  const file = await open(path, 'r')
  try {
    if (range === undefined) return await file.readFile()
    const { bytesRead, buffer } = await file.read(Buffer.alloc(range.length), 0, range.length, range.offset)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const notWritten = (path: string, cause: unknown): Fault =>
  new Fault(
    {
      code: 'UNAVAILABLE',
      reason: 'ARCHIVE_NOT_WRITABLE',
      message: `the archive ${path} cannot be written: ${messageOf(cause)}`,
      hint: 'nothing was removed from the log; make room, or let the server write to TASKER_ARCHIVE_DIR',
      retryable: true,
    },
    cause,
  )

const notRead = (path: string, cause: unknown): Fault =>
  new Fault(
    {
      code: 'UNAVAILABLE',
      reason: 'ARCHIVE_NOT_READABLE',
      message: `the archive ${path} cannot be read: ${messageOf(cause)}`,
      hint: 'is TASKER_ARCHIVE_DIR the directory it was written to?',
      retryable: true,
    },
    cause,
  )
