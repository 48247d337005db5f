/** Events that no server of ours decided, put into a task's stream with a hash that fits. */
import { instant } from '@tasker/core'
import { newConnection } from '@tasker/server/internal/database'
import { commitHash } from '@tasker/server/internal/log/commit-hash'
import { COMMIT_COLUMNS, commitOf } from '@tasker/server/internal/log/postgres/commit-rows'

/** An event of a type nobody knows, as a newer program would have written it. Gives back its place, as `partition:seq`. */
export const poisonStream = (databaseUrl: string, taskId: string): Promise<string> =>
  forgeEvents(databaseUrl, taskId, ['step.teleported'], '[{"step":"weigh"}]')

/** One more commit at the end of a stream. Only while no server writes. Gives back its place. */
export const forgeEvents = async (
  databaseUrl: string,
  taskId: string,
  types: readonly string[],
  text: string,
): Promise<string> => {
  const connection = newConnection({ url: databaseUrl, applicationName: 'tests' })
  await connection.connect()
  try {
    const { rows } = await connection.query<Parameters<typeof commitOf>[0]>(
      `select ${COMMIT_COLUMNS} from event_commit where stream_kind = 'task' and stream_id = $1 order by first_version desc limit 1`,
      [taskId],
    )
    const [row] = rows
    if (row === undefined) throw new Error(`there is no task ${taskId}`)
    const last = commitOf(row)
    const content = {
      ...last,
      firstVersion: last.firstVersion + last.types.length,
      at: instant(last.at + 1),
      actor: 'engine',
      worker: undefined,
      cause: 'forged',
      types,
      text,
    }
    const placed = await connection.query<{ seq: string }>(
      `insert into event_commit
         (partition, seq, stream_kind, stream_id, first_version, namespace, at_ms, actor, worker, cause, types, events, hash)
       select $1::smallint, (select max(seq) + 1 from event_commit where partition = $1), 'task', $2, $3, $4, $5, $6, null, $7, $8, $9, $10
       returning seq`,
      [
        content.partition,
        taskId,
        content.firstVersion,
        content.namespace,
        content.at,
        content.actor,
        content.cause,
        content.types,
        content.text,
        commitHash(content, last.hash),
      ],
    )
    return `${content.partition}:${placed.rows[0]?.seq ?? ''}`
  } finally {
    await connection.end()
  }
}
