/** A whole engine on the memory log, the memory store and a virtual clock, with workers that do what a test says. */
import { handlerName, type Json, jsonOf, namespaceOf, type TaskId, taskIdFrom, type WorkerId, workerId } from '@tasker/core'
import type {
  AttemptOutcome,
  AttemptRef,
  CommandAnswer,
  GivenEvent,
  HandedIn,
  JournalNews,
  JournalRecord,
  ResultAck,
  StepCommand,
  Submission,
  SubmitAnswer,
  WorkerSession,
} from '@tasker/server/internal/engine/api'
import { type RunningEngine, startEngine } from '@tasker/server/internal/engine/engine'
import type { EngineSettings, PublishingPorts } from '@tasker/server/internal/engine/engine-ports'
import type { SealingPorts } from '@tasker/server/internal/engine/seals/sealer'
import type { QuarantinedStream } from '@tasker/server/internal/engine/quarantine'
import { type FaultPolicy, memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import type { CommitProbe, EventLog, StoredCommit } from '@tasker/server/internal/log/port'
import { memoryStore } from '@tasker/server/internal/projections/memory-store'
import type { ProjectionStore } from '@tasker/server/internal/projections/port'
import type { UpkeepPorts } from '@tasker/server/internal/projections/upkeep'
import { createMetrics } from '@tasker/server/internal/telemetry/metrics'
import { schemaCheck } from '@tasker/server/internal/templates/json-schema'
import { ENGINE_SETTINGS } from './engine-settings.js'
import { settled, VirtualClock } from './virtual-clock.js'

export const SHOP = namespaceOf('shop')
export const PARTITIONS = 2

/** The step of a template as a test needs it; the rest has defaults. */
export interface StepShape {
  readonly name: string
  readonly after?: readonly string[]
  readonly callable?: string
  readonly attempts?: number
  readonly backoffMs?: number
  readonly timeoutS?: number
  readonly resultSchema?: Json
  readonly initialization?: { readonly [field: string]: Json }
  readonly more?: { readonly [field: string]: Json }
}

export const templateText = (
  name: string,
  steps: readonly StepShape[],
  version = '1.0.0',
  more: { readonly [field: string]: Json } = {},
): string =>
  JSON.stringify({
    ...more,
    name,
    namespace_name: SHOP,
    version,
    steps: steps.map(
      ({
        name: step,
        after = [],
        callable = 'work',
        attempts = 3,
        backoffMs = 100,
        timeoutS = 5,
        resultSchema,
        initialization,
        more: fields,
      }) => ({
        ...fields,
        name: step,
        handler: { callable, initialization },
        dependencies: after,
        timeout_seconds: timeoutS,
        result_schema: resultSchema,
        retry: { retryable: attempts > 1, max_attempts: attempts, backoff: 'linear', backoff_base_ms: backoffMs },
      }),
    ),
  })

/** The same number gives the same request. */
export const requestId = (n: number): TaskId => {
  const random = new Uint8Array(10)
  new DataView(random.buffer).setUint32(2, n)
  return taskIdFrom(1_750_000_000_000, random)
}

export const submissionOf = (n: number, fields: Partial<Submission> = {}): Submission => ({
  requestId: requestId(n),
  namespace: SHOP,
  name: 'order',
  version: undefined,
  context: jsonOf({ n }),
  actor: 'tester',
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
  ...fields,
})

export interface TestEngineOptions {
  readonly log?: EventLog
  readonly store?: ProjectionStore
  readonly clock?: VirtualClock
  readonly settings?: Partial<EngineSettings>
  readonly publishing?: PublishingPorts
  readonly probe?: CommitProbe
  readonly sealing?: SealingPorts
  readonly upkeep?: UpkeepPorts
}

export class TestEngine {
  readonly clock: VirtualClock
  readonly log: EventLog
  readonly engine: RunningEngine
  readonly fenced: string[]
  readonly quarantined: QuarantinedStream[]

  constructor(
    parts: Pick<TestEngine, 'clock' | 'log' | 'engine'>,
    heard: { readonly fenced: string[]; readonly quarantined: QuarantinedStream[] },
  ) {
    this.clock = parts.clock
    this.log = parts.log
    this.engine = parts.engine
    this.fenced = heard.fenced
    this.quarantined = heard.quarantined
  }

  async register(name: string, steps: readonly StepShape[], more: { readonly [field: string]: Json } = {}): Promise<void> {
    const text = templateText(name, steps, '1.0.0', more)
    const answer = await this.soon(this.engine.register(text, { replace: false, actor: 'tester' }))
    if (answer.type === 'failed') throw new Error(JSON.stringify(answer.fault))
  }

  /** Everything that needs no time has happened. */
  async soon<T>(promise: Promise<T>): Promise<T> {
    await settled()
    return promise
  }

  /** The answers a submission has been given so far. */
  submit(submission: Submission): SubmitAnswer[] {
    const answers: SubmitAnswer[] = []
    this.engine.submit(submission, (answer) => answers.push(answer))
    return answers
  }

  async submitted(submission: Submission): Promise<TaskId> {
    const answers = this.submit(submission)
    await settled()
    const [answer] = answers
    if (answer === undefined || answer.type === 'failed') throw new Error(`not taken: ${JSON.stringify(answer)}`)
    return answer.taskId
  }

  cancel(taskId: TaskId): Promise<CommandAnswer> {
    return this.engine.cancel(taskId, undefined, 'tester')
  }

  worker(fields: WorkerFields = {}): ScriptedWorker {
    return new ScriptedWorker(this.engine, fields)
  }

  /** What the log holds of a task, as types of events. */
  async types(taskId: TaskId): Promise<readonly string[]> {
    return (await commitsOf(this.log, taskId)).flatMap(({ types }) => types)
  }
}

export const commitsOf = async (log: EventLog, taskId: TaskId): Promise<readonly StoredCommit[]> => {
  const commits: StoredCommit[] = []
  for await (const page of log.readStream({ kind: 'task', id: taskId }, 1)) commits.push(...page)
  return commits
}

/** Starts an engine; time stands still meanwhile. */
export const startTestEngine = async (options: TestEngineOptions = {}): Promise<TestEngine> => {
  const clock = options.clock ?? new VirtualClock()
  const log = options.log ?? memoryLog({ partitionCount: PARTITIONS })
  const fenced: string[] = []
  const quarantined: QuarantinedStream[] = []
  const engine = await startEngine(
    {
      log,
      store: options.store ?? memoryStore(),
      clock,
      schemaCheck: schemaCheck(),
      metrics: createMetrics(),
      draw: () => 0.5,
      ...(options.publishing === undefined ? {} : { publishing: options.publishing }),
      ...(options.probe === undefined ? {} : { probe: options.probe }),
      ...(options.sealing === undefined ? {} : { sealing: options.sealing }),
      ...(options.upkeep === undefined ? {} : { upkeep: options.upkeep }),
    },
    { ...ENGINE_SETTINGS, ...options.settings },
    {
      fenced: (message) => fenced.push(message),
      quarantined: (stream) => quarantined.push(stream),
      logAvailable: () => undefined,
    },
  )
  return new TestEngine({ clock, log, engine }, { fenced, quarantined })
}

export interface WorkerFields {
  readonly id?: WorkerId
  readonly handlers?: readonly string[]
  readonly slots?: number
  readonly running?: readonly AttemptRef[]
  /** Ends its session at once when the engine closes the stream, as a transport in memory does. */
  readonly leavesWhenClosed?: boolean
}

let workers = 0

export const newWorkerId = (): WorkerId => workerId(taskIdFrom(1_760_000_000_000 + workers++, new Uint8Array(10)))

/** A worker's stream without a wire: what it is sent is there to look at, what it says is the test's. */
export class ScriptedWorker {
  readonly id: WorkerId
  readonly session: WorkerSession
  readonly commands: StepCommand[] = []
  readonly acks: ResultAck[] = []
  readonly cancellations: AttemptRef[] = []
  readonly news: JournalNews[] = []
  readonly closings: string[] = []
  #records = 0
  /** Kinds of what was sent, in order. */
  readonly heard: string[] = []

  constructor(engine: RunningEngine, fields: WorkerFields) {
    this.id = fields.id ?? newWorkerId()
    const session: { current: WorkerSession | undefined } = { current: undefined }
    this.session = engine.connect(
      {
        workerId: this.id,
        namespace: SHOP,
        handlers: (fields.handlers ?? ['work']).map(handlerName),
        slots: fields.slots ?? 10,
        codeVersion: '',
        sdk: 'scripted',
        host: 'test',
        running: fields.running ?? [],
      },
      {
        command: (command) => {
          this.heard.push(`command ${command.step}`)
          this.commands.push(command)
        },
        ack: (ack) => {
          this.heard.push(`ack ${ack.step} ${ack.status}`)
          this.acks.push(ack)
        },
        cancel: (ref) => {
          this.heard.push(`cancel ${ref.step}`)
          this.cancellations.push(ref)
        },
        news: (news) => {
          this.heard.push(`news ${news.step}`)
          this.news.push(news)
        },
        flush: () => undefined,
        close: (reason) => {
          this.closings.push(reason)
          if (fields.leavesWhenClosed === true) session.current?.disconnected()
        },
      },
    )
    session.current = this.session
  }

  /** The attempts it was sent and has not been acknowledged a result for. */
  get open(): readonly StepCommand[] {
    return this.commands.filter((command) => !this.acks.some((ack) => sameAttempt(ack, command)))
  }

  /** The command for a step, when it came. */
  command(step: string): StepCommand {
    const command = this.commands.findLast((one) => one.step === step)
    if (command === undefined) throw new Error(`no command for ${step} came; these did: ${this.heard.join(', ')}`)
    return command
  }

  result(ref: AttemptRef, outcome: AttemptOutcome, events: readonly GivenEvent[] = []): void {
    const { taskId, step, attempt } = ref
    this.session.result({ taskId, step, attempt, outcome, events })
  }

  /** Hands in what the run of a function says, under the next number unless one is given. */
  record(ref: AttemptRef, proposals: readonly HandedIn[], fields: Partial<JournalRecord> = {}): void {
    const { taskId, step, attempt } = ref
    const number = fields.number ?? ++this.#records
    this.session.record({
      taskId,
      step,
      attempt,
      number,
      life: 1,
      proposals,
      then: undefined,
      keeps: false,
      problem: undefined,
      ...fields,
    })
  }

  complete(ref: AttemptRef, output: Json = {}): void {
    this.result(ref, { type: 'completed', output: jsonOf(output) })
  }

  fail(ref: AttemptRef, retryable = true): void {
    this.result(ref, { type: 'failed', failure: { message: 'no', errorType: 'Error', retryable } })
  }

  /** Completes whatever comes until nothing more does. */
  async workOff(): Promise<void> {
    for (let rounds = 0; rounds < ROUNDS_MAX; rounds++) {
      const { open } = this
      if (open.length === 0) return
      for (const command of open) this.complete(command)
      await settled()
    }
    throw new Error('the work does not end')
  }
}

const ROUNDS_MAX = 1_000

export const sameAttempt = (a: AttemptRef, b: AttemptRef): boolean =>
  a.taskId === b.taskId && a.step === b.step && a.attempt === b.attempt

/** A log whose faults a test sets and takes back. */
export class Switchboard implements FaultPolicy {
  append: FaultPolicy['append'] = () => ({ type: 'delivered' })
  read: FaultPolicy['read'] = () => undefined

  down(): void {
    this.append = () => ({ type: 'unavailable' })
    this.read = () => Promise.reject(new Error('the log is away'))
  }

  up(): void {
    this.append = () => ({ type: 'delivered' })
    this.read = () => undefined
  }
}

/** A point in time that a test decides about. */
export const gate = (): { readonly passed: Promise<void>; readonly open: () => void } => {
  let open = (): void => undefined
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open: () => open() }
}
