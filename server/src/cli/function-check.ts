/**
 * Recorded tasks of a server, replayed one by one against local code.
 *
 * Open tasks come first, however old, then those that ended since: so one that ends meanwhile is seen, once or twice. One task is in memory
 * at a time.
 */
import { z } from 'zod'
import { eventList, taskList, type TaskAnswer } from './answers.js'
import { faultOf } from './exit.js'
import type { LocalFunction } from './function-modules.js'
import type { HttpClient } from './http-client.js'
import { ENDED_STATUSES, OPEN_STATUSES } from './task-status.js'

const PAGE_TASKS = 200
const PAGE_EVENTS = 500

/** How one task came out. */
export type Checked =
  | { readonly type: 'fits' }
  | { readonly type: 'diverges'; readonly expected: string; readonly actual: string; readonly line: string }
  /** The code refuses what was recorded, such as an input that does not fit its schema any more. */
  | { readonly type: 'fails'; readonly message: string }
  /** The local code has no such version. */
  | { readonly type: 'no_code' }
  /** It was archived meanwhile. */
  | { readonly type: 'gone' }

export interface CheckedTask {
  readonly task: TaskAnswer
  readonly checked: Checked
}

export interface CheckQuery {
  /** RFC 3339. */
  readonly since: string
  readonly version?: string | undefined
}

export async function* checkFunctions(
  http: HttpClient,
  functions: readonly LocalFunction[],
  query: CheckQuery,
): AsyncGenerator<CheckedTask> {
  for (const { namespace, name, version } of functions) {
    // All versions of a name are looked through with the first of them.
    const versions = functions.filter((other) => other.namespace === namespace && other.name === name)
    if (versions[0]?.version !== version) continue
    const filter = { namespace, name, version: query.version }
    for await (const task of tasksOf(http, filter, query.since)) {
      const code = versions.find((local) => local.version === task.version)
      yield { task, checked: await check(http, task, code) }
    }
  }
}

interface Filter {
  readonly namespace: string
  readonly name: string
  readonly version: string | undefined
}

async function* tasksOf(http: HttpClient, filter: Filter, since: string): AsyncGenerator<TaskAnswer> {
  yield* pagesOf(http, { ...filter, status: OPEN_STATUSES })
  yield* pagesOf(http, { ...filter, status: ENDED_STATUSES, updated_after: since })
}

async function* pagesOf(
  http: HttpClient,
  query: Filter & { readonly status: readonly string[]; readonly updated_after?: string },
) {
  for (let cursor: string | undefined; ; ) {
    const page = await http.json({ method: 'GET', path: '/v1/tasks', query: { ...query, limit: PAGE_TASKS, cursor } }, taskList)
    yield* page.tasks
    if (!page.next_cursor) return
    cursor = page.next_cursor
  }
}

const check = async (http: HttpClient, task: TaskAnswer, code: LocalFunction | undefined): Promise<Checked> => {
  if (code === undefined) return { type: 'no_code' }
  const events = await historyOf(http, task.task_id)
  if (events === undefined) return { type: 'gone' }
  try {
    await code.replay(events)
    return { type: 'fits' }
  } catch (thrown) {
    const diverged = divergence.safeParse(thrown)
    if (diverged.success) return { type: 'diverges', ...diverged.data }
    return { type: 'fails', message: thrown instanceof Error ? thrown.message : String(thrown) }
  }
}

/** `FunctionDivergedError` of the module's own SDK. */
const divergence = z
  .object({ reason: z.literal('FUNCTION_DIVERGED'), expected: z.string(), actual: z.string(), line: z.string() })
  .transform(({ expected, actual, line }) => ({ expected, actual, line }))

const historyOf = async (http: HttpClient, taskId: string): Promise<readonly unknown[] | undefined> => {
  const path = `/v1/tasks/${encodeURIComponent(taskId)}/events`
  const events: unknown[] = []
  try {
    for (let cursor: string | undefined; ; ) {
      const page = await http.json({ method: 'GET', path, query: { limit: PAGE_EVENTS, cursor } }, eventList)
      events.push(...page.events)
      if (!page.next_cursor) return events
      cursor = page.next_cursor
    }
  } catch (thrown) {
    const { reason } = faultOf(thrown)
    if (reason === 'TASK_ARCHIVED' || reason === 'TASK_NOT_FOUND') return undefined
    throw thrown
  }
}
