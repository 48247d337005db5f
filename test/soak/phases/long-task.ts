/** One task with very many events, and one with as many steps as there may be: what one more costs, and what it costs to load such a task. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { durationMs, handlerName, jsonOf, namespaceOf, type TaskId, taskIdFrom, workerId } from '@tasker/core'
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
import { submissionOf } from '../../support/engine.js'
import { ENGINE_SETTINGS } from '../../support/engine-settings.js'
import type { Figures, Phase, PhaseRun } from '../phase.js'
import { mustHold } from '../single-server.js'

interface ManyEvents {
  readonly events: number
  /** One more, alone, from the worker's word to its acknowledgement. */
  readonly oneMoreMs: number
  /** By a server that was just started. */
  readonly loadMs: number
  readonly loadWithoutSnapshotMs: number
}

interface ManySteps {
  /** The median in each stretch of tasks whose steps go one after another. */
  readonly msPerStep: readonly number[]
}

/** Numbers of events at which one more is measured; in order. */
const MARKS: Readonly<Record<PhaseRun['form'], readonly number[]>> = { short: [500, 3_000], long: [1_000, 10_000, 100_000] }
const STEPS: Readonly<Record<PhaseRun['form'], number>> = { short: 300, long: 1_000 }
/** Tasks of so many steps, after one that warms the engine up, and stretches of one. */
const CHAINS = 5
const STRETCHES = 10
/** What one more event may cost at the last mark, of what it cost at the first. Short stretches are noisy; what grows with a history does so a hundredfold. */
const GROWTH_MAX: Readonly<Record<PhaseRun['form'], number>> = { short: 10, long: 2 }
/** What a step may cost in the last stretch, of what it cost in the first: as far as the machine lets that be told in the short form. */
const STEP_GROWTH_MAX: Readonly<Record<PhaseRun['form'], number>> = { short: 10, long: 1.2 }

export const longTask: Phase = {
  name: 'long-task',
  promise:
    'a task with 100,000 events takes one more as fast as a short one and is loaded from its snapshot, and the last of 1,000 steps costs what the first did',
  play: async ({ form, say }) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'tasker-long-'))
    const postgres = await startPostgres({ dataDir, durable: true })
    try {
      await migrate(postgres.url)
      const events = await manyEvents(postgres.url, MARKS[form], say)
      const steps = await manySteps(postgres.url, STEPS[form])
      judge(form, events, steps)
      const [row] = await query(postgres.url, "select current_setting('server_version') as version")
      return figuresOf(events, steps, STEPS[form], String(row?.['version']))
    } finally {
      await postgres.stop()
      rmSync(dataDir, { recursive: true, force: true })
    }
  },
}

const judge = (form: PhaseRun['form'], events: readonly ManyEvents[], { msPerStep }: ManySteps): void => {
  const [first, last] = [events[0], events.at(-1)]
  if (first === undefined || last === undefined) throw new Error('nothing was measured')
  const [firstStep = 1, lastStep = 0] = [msPerStep[0], msPerStep.at(-1)]
  mustHold([
    last.oneMoreMs > first.oneMoreMs * GROWTH_MAX[form] &&
      `one more event takes ${last.oneMoreMs} ms, and took ${first.oneMoreMs}`,
    last.loadMs > last.loadWithoutSnapshotMs &&
      `loading takes ${last.loadMs} ms, and ${last.loadWithoutSnapshotMs} without a snapshot`,
    lastStep > firstStep * STEP_GROWTH_MAX[form] && `a step takes ${lastStep} ms, and took ${firstStep}`,
  ])
}

const figuresOf = (events: readonly ManyEvents[], { msPerStep }: ManySteps, steps: number, postgresVersion: string): Figures => ({
  postgresVersion,
  columns: ['events of the task', 'one more', 'loaded', 'loaded without a snapshot'],
  rows: events.map((one) => [one.events, `${one.oneMoreMs} ms`, `${one.loadMs} ms`, `${one.loadWithoutSnapshotMs} ms`]),
  notes: [
    `A step of a task with ${steps} of them, one after another, the median of ${CHAINS} tasks in each of ten stretches: ${msPerStep.join(', ')} ms.`,
  ],
})

const NAMESPACE = namespaceOf('soak')
const SAMPLES = 50
/** Checkpoints on their way at once, while events gather. */
const PIPELINE = 200

const manyEvents = async (url: string, marks: readonly number[], say: (text: string) => void): Promise<readonly ManyEvents[]> => {
  const report: ManyEvents[] = []
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
      oneMoreMs: round(median(samples)),
      loadMs: round(loadMs),
      loadWithoutSnapshotMs: round(slowMs),
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

const manySteps = async (url: string, count: number): Promise<ManySteps> => {
  const { engine, close } = await open(url)
  const names = Array.from({ length: count }, (_, n) => `s${n}`)
  await register(
    engine,
    'chain',
    names.map((name, n) => ({ name, ...(n === 0 ? {} : { dependencies: [`s${n - 1}`] }) })),
  )
  const worker = new SoakWorker(engine)
  const msOfSteps = Array.from({ length: STRETCHES }, (): number[] => [])
  for (let task = 0; task <= CHAINS; task++) {
    await submit(engine, 'chain')
    for (let n = 0; n < count; n++) {
      const at = performance.now()
      const command = await worker.next()
      await worker.says(command, { type: 'completed', output: jsonOf(n) })
      if (task > 0) msOfSteps[Math.floor((n * STRETCHES) / count)]?.push(performance.now() - at)
    }
  }
  await close()
  return { msPerStep: msOfSteps.map((samples) => round(median(samples))) }
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

/** Nobody is missed in between. */
const QUIET_MS = durationMs(600_000)

const engineOn = (
  log: Awaited<ReturnType<typeof openPostgresLog>>,
  store: Awaited<ReturnType<typeof openPostgresStore>>,
): Promise<RunningEngine> =>
  startEngine(
    { log, store, clock: systemClock, schemaCheck: schemaCheck(), metrics: createMetrics(), draw: Math.random },
    {
      ...ENGINE_SETTINGS,
      workerGraceMs: QUIET_MS,
      workerSilenceMs: QUIET_MS,
      workerUnavailableMs: QUIET_MS,
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

const submit = (engine: RunningEngine, name: string): Promise<TaskId> => {
  const requestId = taskIdFrom(Date.now(), new Uint8Array(10).fill(++requests))
  const submission = submissionOf(requests, { requestId, namespace: NAMESPACE, name, context: jsonOf({}), actor: 'soak' })
  return new Promise((resolve, reject) =>
    engine.submit(submission, (answer) =>
      answer.type === 'failed' ? reject(new Error(answer.fault.message)) : resolve(answer.taskId),
    ),
  )
}

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
        news: () => undefined,
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

const query = async (url: string, text: string): Promise<readonly Readonly<Record<string, unknown>>[]> => {
  const database = newConnection({ url, applicationName: 'long task phase' })
  await database.connect()
  try {
    return (await database.query<Record<string, unknown>>(text)).rows
  } finally {
    await database.end()
  }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

const round = (value: number): number => Number(value.toFixed(2))
