/** One task with very many events, and one with as many steps as there may be: what one more costs, and what it costs to load such a task. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  durationMs,
  handlerName,
  jsonOf,
  LIMITS,
  namespaceOf,
  NO_LIFECYCLE,
  type TaskId,
  taskIdFrom,
  workerId,
} from '@tasker/core'
import { startPostgres } from '@tasker/dev-postgres'
import { newConnection } from '@tasker/server/internal/database'
import { migrate } from '@tasker/server/internal/database/migrate'
import type { AttemptOutcome, ResultAck, StepCommand, WorkerSession } from '@tasker/server/internal/engine/api'
import { type RunningEngine, startEngine } from '@tasker/server/internal/engine/engine'
import { systemClock } from '@tasker/server/internal/engine/system-clock'
import { openPostgresLog } from '@tasker/server/internal/log/postgres/postgres-log'
import { openPostgresStore } from '@tasker/server/internal/projections/postgres-store'
import { createMetrics } from '@tasker/server/internal/telemetry/metrics'
import { schemaCheck } from '@tasker/server/internal/templates/json-schema'

export interface LongTaskSettings {
  /** Numbers of events at which one more is measured; in order. */
  readonly marks: readonly number[]
  readonly steps: number
  readonly say?: (text: string) => void
}

export interface LongTaskReport {
  /** By number of events: one more, alone, from the worker's word to its acknowledgement; and a cold load by a new server. */
  readonly events: readonly {
    readonly events: number
    readonly one_more_ms: number
    readonly load_ms: number
    readonly load_without_snapshot_ms: number
  }[]
  /** Milliseconds a step, in ten stretches of a task with so many steps, one after another. */
  readonly steps: { readonly steps: number; readonly ms_per_step: readonly number[]; readonly last_to_first: number }
}

const NAMESPACE = namespaceOf('soak')
const SAMPLES = 50
/** Checkpoints on their way at once, while events gather. */
const PIPELINE = 200

export const longTaskPhase = async ({ marks, steps, say = () => undefined }: LongTaskSettings): Promise<LongTaskReport> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tasker-long-'))
  const postgres = await startPostgres({ dataDir, durable: true })
  try {
    await migrate(postgres.url)
    return { events: await manyEvents(postgres.url, marks, say), steps: await manySteps(postgres.url, steps) }
  } finally {
    await postgres.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

const manyEvents = async (
  url: string,
  marks: readonly number[],
  say: (text: string) => void,
): Promise<LongTaskReport['events']> => {
  const report: LongTaskReport['events'][number][] = []
  let site = await open(url)
  await register(site.engine, 'endless', [{ name: 'all' }])
  const taskId = await submit(site.engine, 'endless')
  let worker = new SoakWorker(site.engine)
  const command = await worker.next()
  let number = 0
  for (const mark of marks) {
    while ((await versionOf(site.engine, taskId)) < mark) {
      const sent = Array.from({ length: Math.min(PIPELINE, mark) }, () => worker.says(command, checkpoint(++number)))
      await Promise.all(sent)
    }
    const samples: number[] = []
    for (let n = 0; n < SAMPLES; n++) {
      const at = performance.now()
      await worker.says(command, checkpoint(++number))
      samples.push(performance.now() - at)
    }
    await site.close()
    const loadMs = await coldLoad(url, taskId)
    await query(url, 'create table kept as select * from task_snapshot')
    await query(url, 'delete from task_snapshot')
    const slowMs = await coldLoad(url, taskId)
    await query(url, 'delete from task_snapshot')
    await query(url, 'insert into task_snapshot select * from kept')
    await query(url, 'drop table kept')
    report.push({
      events: mark,
      one_more_ms: round(median(samples)),
      load_ms: round(loadMs),
      load_without_snapshot_ms: round(slowMs),
    })
    say(JSON.stringify(report.at(-1)))
    site = await open(url)
    worker = new SoakWorker(site.engine, worker.id, [command])
  }
  await site.close()
  return report
}

/** What a new server needs until it has the task, less what a short task costs. */
const coldLoad = async (url: string, taskId: TaskId): Promise<number> => {
  const log = await openPostgresLog({ url, partitionCount: PARTITIONS })
  const store = await openPostgresStore({ url })
  try {
    const engine = await engineOn(log, store)
    try {
      // Recovery may have looked at the task; what it left in memory is let go by looking at others.
      const at = performance.now()
      if ((await engine.read(taskId)) === undefined) throw new Error('the task is gone')
      return performance.now() - at
    } finally {
      await engine.stop()
    }
  } finally {
    await store.close()
    await log.close()
  }
}

const manySteps = async (url: string, count: number): Promise<LongTaskReport['steps']> => {
  const { engine, close } = await open(url)
  const names = Array.from({ length: count }, (_, n) => `s${n}`)
  await register(
    engine,
    'chain',
    names.map((name, n) => ({ name, ...(n === 0 ? {} : { dependencies: [`s${n - 1}`] }) })),
  )
  await submit(engine, 'chain')
  const worker = new SoakWorker(engine)
  const stretches: number[] = []
  for (let stretch = 0; stretch < 10; stretch++) {
    const at = performance.now()
    for (let n = 0; n < count / 10; n++) {
      const command = await worker.next()
      await worker.says(command, { type: 'completed', output: jsonOf(n) })
    }
    stretches.push((performance.now() - at) / (count / 10))
  }
  await close()
  return { steps: count, ms_per_step: stretches.map(round), last_to_first: round((stretches[9] ?? 0) / (stretches[0] ?? 1)) }
}

const PARTITIONS = 4

const open = async (url: string): Promise<{ readonly engine: RunningEngine; readonly close: () => Promise<void> }> => {
  const log = await openPostgresLog({ url, partitionCount: PARTITIONS })
  const store = await openPostgresStore({ url })
  const engine = await engineOn(log, store)
  const close = async (): Promise<void> => {
    await engine.stop()
    await store.close()
    await log.close()
  }
  return { engine, close }
}

const engineOn = (
  log: Awaited<ReturnType<typeof openPostgresLog>>,
  store: Awaited<ReturnType<typeof openPostgresStore>>,
): Promise<RunningEngine> =>
  startEngine(
    { log, store, clock: systemClock, schemaCheck: schemaCheck(), metrics: createMetrics(), draw: Math.random },
    {
      node: 'soak',
      batchCommitsMax: 500,
      cacheBytesMax: 100_000_000,
      projectionIntervalMs: durationMs(100),
      workerGraceMs: durationMs(600_000),
      workerSilenceMs: durationMs(600_000),
      cancelGraceMs: LIMITS.cancelGraceMs,
      templateReplace: false,
      environment: undefined,
      lifecycle: NO_LIFECYCLE,
      workerUnavailableMs: durationMs(600_000),
      workerUnavailableDeadLetterMs: durationMs(600_000),
    },
    {
      fenced: (message) => {
        throw new Error(message)
      },
      quarantined: (stream) => {
        throw new Error(JSON.stringify(stream))
      },
      logAvailable: () => undefined,
    },
  )

const register = async (engine: RunningEngine, name: string, steps: readonly object[]): Promise<void> => {
  const content = JSON.stringify({
    name,
    namespace_name: NAMESPACE,
    version: '1.0.0',
    steps: steps.map((step) => ({ handler: { callable: 'work' }, timeout_seconds: 3_600, ...step })),
  })
  const answer = await engine.register(content, { replace: false, actor: 'soak' })
  if (answer.type === 'failed') throw new Error(JSON.stringify(answer.fault))
}

let requests = 0

const submit = (engine: RunningEngine, name: string): Promise<TaskId> =>
  new Promise((resolve, reject) =>
    engine.submit(
      {
        requestId: taskIdFrom(Date.now(), new Uint8Array(10).fill(++requests)),
        namespace: NAMESPACE,
        name,
        version: undefined,
        context: jsonOf({}),
        actor: 'soak',
        initiator: undefined,
        sourceSystem: undefined,
        reason: undefined,
        tags: [],
        priority: undefined,
        correlationId: undefined,
        parentCorrelationId: undefined,
        idempotencyKey: undefined,
        runAt: undefined,
        onDuplicate: 'return',
      },
      (answer) => (answer.type === 'failed' ? reject(new Error(answer.fault.message)) : resolve(answer.taskId)),
    ),
  )

const versionOf = async (engine: RunningEngine, taskId: TaskId): Promise<number> => (await engine.read(taskId))?.version ?? 0

const checkpoint = (number: number): AttemptOutcome => ({
  type: 'checkpoint',
  number,
  cursor: jsonOf(number),
  itemsProcessed: number,
})

/** A worker's stream without a wire. */
class SoakWorker {
  readonly id
  readonly #session: WorkerSession
  readonly #commands: StepCommand[] = []
  readonly #acks: ((ack: ResultAck) => void)[] = []
  #heard: (() => void) | undefined

  constructor(
    engine: RunningEngine,
    id = workerId(taskIdFrom(Date.now(), new Uint8Array(10))),
    running: readonly StepCommand[] = [],
  ) {
    this.id = id
    this.#session = engine.connect(
      {
        workerId: id,
        namespace: NAMESPACE,
        handlers: [handlerName('work')],
        slots: 1,
        codeVersion: '',
        sdk: 'soak',
        host: 'soak',
        running,
      },
      {
        command: (command) => {
          this.#commands.push(command)
          this.#heard?.()
        },
        ack: (ack) => this.#acks.shift()?.(ack),
        cancel: () => undefined,
        flush: () => undefined,
        close: () => undefined,
      },
    )
  }

  async next(): Promise<StepCommand> {
    while (this.#commands.length === 0) await new Promise<void>((resolve) => (this.#heard = resolve))
    const command = this.#commands.shift()
    if (command === undefined) throw new Error('no command')
    return command
  }

  says({ taskId, step, attempt }: StepCommand, outcome: AttemptOutcome): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#acks.push((ack) => (ack.status === 'recorded' ? resolve() : reject(new Error(JSON.stringify(ack)))))
      this.#session.result({ taskId, step, attempt, outcome, events: [] })
    })
  }
}

const query = async (url: string, text: string): Promise<void> => {
  const database = newConnection({ url, applicationName: 'long task phase' })
  await database.connect()
  try {
    await database.query(text)
  } finally {
    await database.end()
  }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

const round = (value: number): number => Number(value.toFixed(2))
