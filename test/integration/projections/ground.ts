/** What tests of the rows share: a whole server in this process, tasks of every kind on it, and a look at all rows there are. */
import { defineStep, PermanentError, RetryableError, Worker } from '@tasker/sdk'
import { type RunningServer, startServer } from '@tasker/server/internal/compose'
import { readServerConfig } from '@tasker/server/internal/config'
import { PROJECTION_LIST, VERIFICATION_STATE } from '@tasker/server/internal/rest/schema/projections'
import { expect, onTestFinished } from 'vitest'
import type { z } from 'zod'
import { query } from '../../support/postgres.js'
import { until } from '../../support/until.js'

export const TABLES = ['task', 'ready_step', 'timer', 'identity', 'activity', 'key', 'dead_letter'] as const
export type Table = (typeof TABLES)[number]

const WAIT_MS_MAX = 60_000
const IN_A_WHILE = new Date(Date.now() + 3_600_000).toISOString()

/** Steps in a row and beside each other, with retries, keys, fairness, timeouts; some block, some wait for a worker that never comes. */
const TEMPLATES = [
  `
name: order
namespace_name: shop
version: 1.0.0
identity: { while_running: true }
concurrency: { key: "customer-\${context.customer}", limit: 3 }
steps:
  - name: validate
    handler: { callable: Shop.Validate }
  - name: charge
    handler: { callable: Shop.Charge }
    dependencies: [validate]
    retry: { retryable: true, max_attempts: 3, backoff: none }
    schedule_to_close_seconds: 600
  - name: ship
    handler: { callable: Shop.Ship }
    dependencies: [charge]
`,
  `
name: lonely
namespace_name: shop
version: 1.0.0
fairness_key: "\${context.customer}"
lifecycle: { max_steps_in_process_minutes: 60 }
steps:
  - name: wait
    handler: { callable: Nobody.Works }
    schedule_to_start_seconds: 3600
  - name: after
    handler: { callable: Nobody.Works }
    dependencies: [wait]
`,
]

const handlers = [
  defineStep('Shop.Validate', ({ input }) => ({ seen: input['n'] ?? null })),
  defineStep('Shop.Charge', ({ input, attempt }) => {
    if (input['mode'] === 'refused') throw new PermanentError('card refused')
    if (input['mode'] === 'stumbles' && attempt === 1) throw new RetryableError('the gateway is busy')
    return { receipt: input['n'] ?? null }
  }),
  defineStep('Shop.Ship', () => ({ parcel: true })),
]

export interface Submitted {
  readonly taskId: string
  readonly name: string
  readonly token: string
}

export interface Ground {
  readonly server: RunningServer
  readonly url: string
  submit(n: number): Promise<Submitted>
  get(path: string): Promise<unknown>
  post(path: string, body?: string): Promise<Response>
  projections(): Promise<z.output<typeof PROJECTION_LIST>['projections']>
  /** Compares with the log to the end. */
  verify(...names: readonly Table[]): Promise<NonNullable<z.output<typeof VERIFICATION_STATE>['verification']>>
  /** Builds one anew to the end. */
  rebuild(name: Table): Promise<void>
  /** Nothing waits to be projected, and nothing that has a worker is open. */
  quiet(): Promise<void>
}

export const startGround = async (
  databaseUrl: string,
  settings: Readonly<Record<string, string>> = {},
  withWorker = true,
): Promise<Ground> => {
  const server = await startOn(databaseUrl, settings)
  const ground = groundOf(server, databaseUrl)
  await registerTemplates(server)
  const stopWorker = withWorker ? startWorker(server) : () => Promise.resolve()
  onTestFinished(async () => {
    await stopWorker()
    await server.stop()
  })
  return ground
}

const startOn = (databaseUrl: string, settings: Readonly<Record<string, string>> = {}): Promise<RunningServer> => {
  const read = readServerConfig({
    DATABASE_URL: databaseUrl,
    TASKER_REST_PORT: '0',
    TASKER_GRPC_PORT: '0',
    TASKER_LOG_LEVEL: 'silent',
    TASKER_PARTITIONS: '4',
    TASKER_PROJECTION_VERIFY_STREAMS_PER_SECOND: '0',
    ...settings,
  })
  if (read.type !== 'valid') throw new Error(JSON.stringify(read.problems))
  return startServer(read.config)
}

const registerTemplates = async ({ restUrl }: RunningServer): Promise<void> => {
  const headers = { 'content-type': 'application/yaml' }
  for (const body of TEMPLATES) {
    const registered = await fetch(`${restUrl}/v1/templates`, { method: 'POST', headers, body })
    expect(registered.status, await registered.text()).toBeLessThan(300)
  }
}

/** So many tasks in a database, all that can be done of them done, and nobody on it any more. */
export const fillDatabase = async (databaseUrl: string, tasks: number): Promise<void> => {
  const server = await startOn(databaseUrl)
  const ground = groundOf(server, databaseUrl)
  await registerTemplates(server)
  const stopWorker = startWorker(server)
  let next = 0
  const submitters = Array.from({ length: FILLERS }, async () => {
    while (next < tasks) await ground.submit(next++)
  })
  await Promise.all(submitters)
  await ground.quiet()
  await stopWorker()
  await server.stop()
}

const FILLERS = 20

const startWorker = (server: RunningServer): (() => Promise<void>) => {
  const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
  const worker = new Worker({ url: server.grpcUrl, namespace: 'shop', slots: 20, handlers, signals: false, logger: silent })
  const working = worker.run()
  return async () => {
    await worker.stop()
    await working
  }
}

const groundOf = (server: RunningServer, databaseUrl: string): Ground => {
  const url = server.restUrl
  const get = async (path: string): Promise<unknown> => (await fetch(`${url}${path}`)).json()
  const post = (path: string, body?: string): Promise<Response> =>
    fetch(`${url}${path}`, {
      method: 'POST',
      ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
    })
  const projections = async () => PROJECTION_LIST.parse(await get('/v1/projections')).projections
  return {
    server,
    url,
    get,
    post,
    projections,
    submit: (n) => submit(post, n),
    verify: async (...names) => {
      const asked = await post(`/v1/projections/verify?${names.map((name) => `name=${name}`).join('&')}`)
      expect(asked.status, await asked.clone().text()).toBe(202)
      return until('the rows are compared', WAIT_MS_MAX, async () => {
        const { verification } = VERIFICATION_STATE.parse(await get('/v1/projections/verify'))
        return verification === null || verification.state === 'running' ? undefined : verification
      })
    },
    rebuild: async (name) => {
      expect((await post(`/v1/projections/${name}/rebuild`)).status).toBe(202)
      await until(`${name} is built anew`, WAIT_MS_MAX, async () =>
        (await projections()).find((one) => one.name === name)?.rebuild === null ? true : undefined,
      )
    },
    quiet: () => quiet(get, databaseUrl),
  }
}

/** Every fourth has a key, which others had before it: a repeat while that task runs, and a task of its own afterwards. */
const submit = async (post: Ground['post'], count: number): Promise<Submitted> => {
  const hasKey = count % 4 === 0
  const n = hasKey ? count % 40 : count
  const modes = ['plain', 'plain', 'stumbles', 'plain', 'refused']
  const lonely = n % 7 === 0
  const name = lonely ? 'lonely' : 'order'
  const answer = await post(
    '/v1/tasks',
    JSON.stringify({
      namespace: 'shop',
      name,
      context: { n, customer: `c${n % 3}`, mode: modes[n % modes.length] },
      tags: ['load', `n${n}`, 'with "quotes" and {braces}'],
      on_duplicate: 'return',
      ...(hasKey ? { idempotency_key: `key-${n}` } : {}),
      ...(lonely && n % 2 === 0 ? { run_at: IN_A_WHILE } : {}),
    }),
  )
  const body: unknown = await answer.json()
  if (answer.status > 201 || typeof body !== 'object' || body === null || !('task_id' in body))
    throw new Error(`not taken: ${answer.status} ${JSON.stringify(body)}`)
  return { taskId: String(body.task_id), name, token: answer.headers.get('tasker-consistency-token') ?? '' }
}

const quiet = async (get: Ground['get'], databaseUrl: string): Promise<void> => {
  await until('all is quiet', WAIT_MS_MAX, async () => {
    const open = await query(
      databaseUrl,
      `select 1 from task where name = 'order' and status not in ('complete', 'blocked_by_failures') limit 1`,
    )
    const health = await get('/health/detailed')
    const lag = typeof health === 'object' && health !== null && 'projection_lag_ms' in health ? health.projection_lag_ms : 1
    return open.length === 0 && lag === 0 ? true : undefined
  })
}

/** Every row of every table, in a fixed order. */
export const dumpRows = async (databaseUrl: string): Promise<Readonly<Record<Table, readonly unknown[]>>> => {
  const rows = async (table: Table) =>
    (await query(databaseUrl, `select to_jsonb(t) as row from ${table} t order by to_jsonb(t)::text`)).map(({ row }) => row)
  return {
    task: await rows('task'),
    ready_step: await rows('ready_step'),
    timer: await rows('timer'),
    identity: await rows('identity'),
    activity: await rows('activity'),
    key: await rows('key'),
    dead_letter: await rows('dead_letter'),
  }
}

/** How a table is spoiled, so that rows are missing, too many and other than they should be. */
export const SPOILS: Readonly<Record<Table, readonly string[]>> = {
  task: [
    `delete from task where task_id in (select task_id from task order by task_id limit 2)`,
    `update task set status = 'pending', tags = '{}' where task_id = (select max(task_id) from task where status = 'complete')`,
  ],
  ready_step: [
    `insert into ready_step select task_id, 'ghost', 1, namespace, handler, 0, 0, queue, '', 0 from ready_step limit 1`,
    `delete from ready_step where (task_id, step) in (select task_id, step from ready_step where step <> 'ghost' limit 2)`,
    `update ready_step set rank_ms = rank_ms + 1 where task_id = (select max(task_id) from ready_step where step <> 'ghost')`,
  ],
  timer: [
    `delete from timer where task_id = (select min(task_id) from timer)`,
    `update timer set due_at_ms = due_at_ms + 1 where task_id = (select max(task_id) from timer)`,
  ],
  identity: [
    `delete from identity where scope = (select min(scope) from identity)`,
    `insert into identity values ('0000', (select min(task_id) from task))`,
    `update identity set task_id = (select min(task_id) from task) where scope = (select max(scope) from identity)`,
  ],
  activity: [
    `delete from activity where (name, step) = (select name, step from activity where submitted = 0 limit 1)`,
    `update activity set completed = completed + 1 where submitted > 0`,
    `insert into activity values (0, 'no', 'no', '1.0.0', '', 1, 0, 0, 0, 0, 0, 0, 0, 0)`,
  ],
  key: [
    `delete from key where queue = (select min(queue) from key)`,
    `update key set stream_version = stream_version - 1 where queue = (select max(queue) from key)`,
    `insert into key values ('no', 'key nothing', 1, 0, '{"limit":1,"places":[]}')`,
  ],
  dead_letter: [
    `delete from dead_letter where task_id = (select min(task_id) from dead_letter)`,
    `update dead_letter set snapshot = '{}' where task_id = (select max(task_id) from dead_letter)`,
  ],
}

export const spoil = async (databaseUrl: string, table: Table): Promise<void> => {
  for (const statement of SPOILS[table]) await query(databaseUrl, statement)
}
