/** A whole Tasker inside a test: the real engine, workers and a client, on a log in memory and a clock that the test turns. */
import { durationMs as wholeMs } from '@tasker/core'
import {
  Client,
  type Clock,
  type Duration,
  type FunctionDefinition,
  type Logger,
  type OnWait,
  type StepContext,
  type StepScope,
  type TaskDefinition,
  type TaskEvent,
  type Transport,
  type WorkerOptions,
} from '@tasker/sdk'
import { durationMs } from '@tasker/sdk/internal/duration'
import { isFunction } from '@tasker/sdk/internal/function/define-function'
import { LIMITS } from '@tasker/sdk/internal/limits'
import { type InProcessServer, memoryDisk, startInProcess } from '@tasker/server/internal/compose/in-process'
import { memoryTransport } from './memory-transport.js'
import { type Mock, Mocks, nothingToMock } from './mocks.js'
import { RunningAttempts } from './running-attempts.js'
import { sdkClock } from './sdk-clock.js'
import { envClosed, standsStill } from './standstill.js'
import { Time } from './time.js'
import { VirtualClock } from './virtual-clock.js'
import { quiet, Workers } from './workers.js'

export interface TestEnvOptions {
  /** For tasks that are named without one, and for handlers; that of the first task when not given. */
  readonly namespace?: string
  /** Definitions whose steps run in this test, and durable functions. */
  readonly tasks?: readonly (TaskDefinition | FunctionDefinition)[]
  /** Handlers for templates written in YAML. */
  readonly handlers?: NonNullable<WorkerOptions['handlers']>
  /** The texts of templates, YAML or JSON. */
  readonly templates?: readonly string[]
  /** What the clock shows first; the start of 2026 when not given. */
  readonly startAt?: Date
  /** How long in real time the clock stands still for a handler that runs; a second when not given. */
  readonly handlerWait?: Duration
  /** Replays each durable function from its journal whenever something happens to it. Nothing but the speed may change. */
  readonly replayFunctionsAlways?: boolean
  /** Nothing is written when not given. */
  readonly logger?: Logger
}

/** Starts a server, and workers with everything that is given; rejects with a `TaskerError` when the server refuses any of it. */
export const createTestEnv = async (options: TestEnvOptions = {}): Promise<TestEnv> => {
  const env = new TestEnv(options)
  try {
    await env.start()
    return env
  } catch (error) {
    await env.close()
    throw error
  }
}

/** The way to the server of a test. */
export interface Connection {
  /** A name for messages; nothing listens there. */
  readonly url: string
  readonly transport: Transport
  readonly clock: Clock
  readonly logger: Logger
}

/** Made by `createTestEnv`. */
export class TestEnv {
  /** A real client of the server. While a result is waited for, time passes by itself from one wake-up to the next. */
  readonly client: Client
  /** For a `Worker`, a `Client` or a `Subscriber` that the code under test makes: `new Worker({ ...env.connection, namespace, tasks })`. */
  readonly connection: Connection
  readonly #options: TestEnvOptions
  readonly #clock: VirtualClock
  readonly #time: Time
  readonly #attempts: RunningAttempts
  readonly #mocks = new Mocks()
  readonly #disk = memoryDisk()
  #workers: Workers | undefined
  #server: InProcessServer | undefined
  #servers = 0
  #closed = false

  /** @internal */
  constructor(options: TestEnvOptions) {
    this.#options = options
    this.#clock = new VirtualClock(options.startAt?.getTime())
    this.#attempts = new RunningAttempts(durationMs(options.handlerWait ?? '1s'))
    this.#time = new Time(this.#clock, () => this.#attempts.quiet())
    const transport = memoryTransport(() => this.#running().door)
    this.connection = {
      url: 'in process',
      transport: freshLists(transport, () => this.#time.leap(0)),
      clock: sdkClock(this.#clock),
      logger: options.logger ?? quiet,
    }
    const namespace = options.namespace ?? options.tasks?.[0]?.namespace
    this.client = new Client({
      ...this.connection,
      onWait: this.#onWait,
      ...(namespace === undefined ? {} : { namespace }),
    })
  }

  /** @internal */
  async start(): Promise<void> {
    const { tasks = [], handlers = [], templates = [], namespace } = this.#options
    await this.#startServer()
    const namespaces = new Set(namespace === undefined ? [] : [namespace])
    for (const content of templates) {
      const { template } = await this.connection.transport.register({ content, replace: false })
      if (template !== undefined) namespaces.add(template.namespace)
    }
    this.#workers = new Workers({
      tasks,
      handlers,
      namespaces: [...namespaces],
      connection: this.connection,
      around: (name, context, run) => this.#attempts.run(() => this.#mocks.around(name, context, run)),
      aroundFunctionStep: (step, scope, run) => this.#attempts.run(() => this.#mocks.aroundFunctionStep(step, scope, run)),
      replayFunctionsAlways: this.#options.replayFunctionsAlways ?? false,
    })
    await this.#workers.start()
  }

  /** What the clock shows. */
  now(): Date {
    return new Date(this.#clock.now())
  }

  /** Lets time pass, such as `'30d'`: each wake-up on the way comes at its moment, and what follows from it has happened before the next. */
  async advance(duration: Duration): Promise<void> {
    this.#running()
    await this.#time.leap(durationMs(duration))
    this.#workers?.check()
  }

  /** For handlers and mocks that take their time: resolves when so much time has passed, rejects when the signal aborts. */
  sleep(duration: Duration, signal?: AbortSignal): Promise<void> {
    const wakeUp = new Promise<void>((resolve, reject) => {
      const stop = this.#clock.after(wholeMs(durationMs(duration)), () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      })
      const abort = (): void => {
        stop()
        reject(signal?.reason instanceof Error ? signal.reason : new DOMException('the sleep was aborted', 'AbortError'))
      }
      if (signal?.aborted === true) abort()
      else signal?.addEventListener('abort', abort, { once: true })
    })
    return this.#attempts.waitsForTime(wakeUp)
  }

  /**
   * Runs `mock` instead of the handler of a step, such as `order/charge`, in every version of the task, or of the `ctx.step` of that name of a durable
   * function. Returns the way back to the real one. Throws `NOTHING_TO_MOCK` when no task or function of this test can have such a step.
   */
  mock<Context extends StepScope = StepContext>(step: string, mock: Mock<Context>): () => void {
    const known = (this.#options.tasks ?? []).flatMap(mockable)
    if (!known.some((name) => isOf(step, name))) throw nothingToMock(step, known)
    return this.#mocks.set(step, mock)
  }

  /** Runs `mock` instead of a handler that templates name, whether the test has the handler or not. Returns the way back. */
  mockHandler(callable: string, mock: Mock): () => void {
    this.#running()
    this.#workers?.offer(callable)
    return this.#mocks.set(callable, mock)
  }

  /** Every event of a task so far. */
  async history(taskId: string): Promise<readonly TaskEvent[]> {
    const { streamVersion } = await this.client.task(taskId).state()
    const events: TaskEvent[] = []
    for await (const event of this.client.task(taskId).events()) {
      events.push(event)
      if (event.version >= streamVersion) break
    }
    return events
  }

  /** Kills the server in the middle of whatever it does, and starts another on the same log; takes a second until all are connected again. */
  async crashServer(): Promise<void> {
    this.#running()
    await this.#time.alone(async () => {
      this.#running().kill()
      await this.#startServer()
      await this.#clock.leap(LIMITS.reconnectMsMax, () => this.#attempts.quiet())
    })
  }

  /**
   * Kills the workers in the middle of whatever they do, and starts others. What the handlers had running is lost, and tried again when the
   * server misses it, ten seconds later.
   */
  async crashWorkers(): Promise<void> {
    this.#running()
    await this.#time.alone(async () => {
      this.#workers?.crash()
      this.#attempts.forget()
      await this.#workers?.start()
    })
  }

  /** Stops everything; handlers that still run are told so. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#workers?.stop()
    this.client.close()
    this.#server?.kill()
    await Promise.resolve()
  }

  #running(): InProcessServer {
    if (this.#closed || this.#server === undefined) throw envClosed()
    this.#workers?.check()
    return this.#server
  }

  async #startServer(): Promise<void> {
    const { logger } = this.connection
    const serverLogger = {
      info: (fields: object, message: string) => logger.info(message, { ...fields }),
      warn: (fields: object, message: string) => logger.warn(message, { ...fields }),
      error: (fields: object, message: string) => logger.error(message, { ...fields }),
    }
    this.#server = await startInProcess(this.#disk, this.#clock, serverLogger, `test-${++this.#servers}`)
  }

  readonly #onWait: OnWait = (taskId, outcome) => {
    let isOver = false
    const end = (): void => void (isOver = true)
    outcome.then(end, end)
    const still = this.#time
      .passUntil(() => isOver || this.#closed, taskId)
      .then(async (over) => {
        if (over) return outcome
        throw standsStill(taskId, await this.client.task(taskId).explain())
      })
    return Promise.race([outcome, still])
  }
}

/** Which steps a function has shows only when it runs. */
const ANY_STEP = '*'

const mockable = (definition: TaskDefinition | FunctionDefinition): readonly string[] =>
  isFunction(definition) ? [`${definition.name}/${ANY_STEP}`] : definition.steps.map(({ name }) => `${definition.name}/${name}`)

const isOf = (step: string, name: string): boolean =>
  name.endsWith(ANY_STEP)
    ? step.length >= name.length && step.startsWith(name.slice(0, -ANY_STEP.length))
    : step.replace(/#compensate$/, '') === name

/** A list shows everything that happened before it was asked for. */
const freshLists = (transport: Transport, caughtUp: () => Promise<void>): Transport => ({
  ...transport,
  list: async (request) => {
    await caughtUp()
    return transport.list(request)
  },
})
