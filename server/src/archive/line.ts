/** One task of an archive as a line of JSON: its commits as they were stored, so that their hashes can be made again. */
import { instant, parseTaskId, partitionNumber, type TaskId } from '@tasker/core'
import { z } from 'zod'
import { verifyChain } from '../log/commit-hash.js'
import type { StoredCommit } from '../log/port.js'

const FORMAT = 'tasker-archived-task-1'

const LINE = z.object({
  format: z.literal(FORMAT),
  task_id: z.string(),
  commits: z.array(
    z.object({
      partition: z.number().int(),
      seq: z.number().int(),
      first_version: z.number().int(),
      namespace: z.string(),
      at_ms: z.number().int(),
      actor: z.string(),
      worker: z.string().nullable(),
      cause: z.string(),
      types: z.array(z.string()),
      events: z.string(),
      hash: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
})

export const lineOf = (taskId: TaskId, commits: readonly StoredCommit[]): string =>
  JSON.stringify({
    format: FORMAT,
    task_id: taskId,
    commits: commits.map(({ partition, seq, firstVersion, namespace, at, actor, worker, cause, types, text, hash }) => ({
      partition,
      seq,
      first_version: firstVersion,
      namespace,
      at_ms: at,
      actor,
      worker: worker ?? null,
      cause,
      types,
      events: text,
      hash: hash.toString('hex'),
    })),
  })

export interface ArchivedStream {
  readonly taskId: TaskId
  readonly commits: readonly StoredCommit[]
}

/** Throws an `Error` that says what is wrong with the line, or with the chain of its commits. */
export const streamOfLine = (text: string): ArchivedStream => {
  const { task_id, commits: rows } = LINE.parse(JSON.parse(text))
  const taskId = parseTaskId(task_id)
  if (taskId === undefined) throw new Error(`${task_id} is no id of a task`)
  const commits = rows.map(
    (row): StoredCommit => ({
      stream: { kind: 'task', id: taskId },
      partition: partitionNumber(row.partition),
      seq: row.seq,
      firstVersion: row.first_version,
      namespace: row.namespace,
      at: instant(row.at_ms),
      actor: row.actor,
      worker: row.worker ?? undefined,
      cause: row.cause,
      types: row.types,
      text: row.events,
      hash: Buffer.from(row.hash, 'hex'),
    }),
  )
  const verdict = verifyChain(commits)
  if (verdict.type === 'broken')
    throw new Error(`its history is not what was written at version ${verdict.atVersion}: ${verdict.message}`)
  return { taskId, commits }
}
