/** `tasker task get ID --archive`: a task out of its archive, from the server or from the directory alone. */
import { parseTaskId } from '@tasker/core'
import { z } from 'zod'
import { directoryStore } from '../../archive/directory-store.js'
import { archivedTaskText } from '../../archive/archived-text.js'
import { findArchived } from '../../archive/find-archived.js'
import { Fault } from '../../faults.js'
import { eventAnswer, taskAnswer } from '../answers.js'
import { type CommandContext } from '../context.js'

export interface ArchiveFlags {
  readonly archive?: boolean
  readonly archiveDir?: string
}

const archivedAnswer = taskAnswer.extend({ archive: z.string(), events: z.array(eventAnswer).default([]) })
export type ArchivedAnswer = z.output<typeof archivedAnswer>

/** With a directory nobody is asked: no server has to run. */
export const readArchived = async ({ http }: CommandContext, taskId: string, { archiveDir }: ArchiveFlags): Promise<string> => {
  if (archiveDir !== undefined) return fromDirectory(archiveDir, taskId)
  return (await http.send({ method: 'GET', path: `/v1/archive/tasks/${encodeURIComponent(taskId)}` })).text
}

export const parseArchived = (text: string): ArchivedAnswer => archivedAnswer.parse(JSON.parse(text))

const fromDirectory = async (directory: string, text: string): Promise<string> => {
  const taskId = parseTaskId(text)
  const found = taskId === undefined ? undefined : await findArchived(directoryStore(directory), taskId)
  if (found !== undefined) return archivedTaskText(found)
  throw new Fault({
    code: 'NOT_FOUND',
    reason: 'NOT_IN_ARCHIVE',
    message: `no archive in ${directory} holds a task ${text}`,
    hint: 'is it the directory that TASKER_ARCHIVE_DIR names?',
  })
}
