/** The worker: a process that offers handlers and slots. */
import { hostname } from 'node:os'
import { monotonicFactory } from 'ulid'
import { systemClock, type Clock } from '../clock.js'
import type { TaskDefinition } from '../definition/task.js'
import { durationMs, type Duration } from '../duration.js'
import { TaskerError } from '../errors/tasker-error.js'
import type { EventPublisher } from '../events/event-publisher.js'
import { LiveSubscriptions } from '../events/live-subscriptions.js'
import type { DomainEventHandler } from '../events/subscription.js'
import { functionAddress, isFunction, type FunctionDefinition } from '../function/define-function.js'
import { LIMITS } from '../limits.js'
import { stderrLogger, type Logger } from '../logger.js'
import type { HandlerResolver, ResolvedHandler } from '../resolve/resolver.js'
import type { AroundFunctionStep } from '../runner/local-steps.js'
import { SDK_NAME } from '../sdk-name.js'
import { grpcTransport } from '../wire/grpc.js'
import { reconnectMs } from '../wire/link.js'
import type { Transport } from '../wire/transport.js'
import { handlersOf, type AroundAttempt } from './handlers.js'
import { WorkerSession } from './session.js'

export interface WorkerOptions {
  /** Host and port of the server's gRPC door, such as `localhost:9190`. */
  readonly url: string
  readonly namespace: string
  /** How many attempts may run here at once; 100 when not said. */
  readonly slots?: number
  /** Tasks whose steps run here, and durable functions; registered with the server when the worker starts. */
  readonly tasks?: readonly (TaskDefinition | FunctionDefinition)[]
  /** Handlers for templates written in YAML. */
  readonly handlers?: readonly ResolvedHandler[]
  /** Other ways to find handlers: class look-ups, and rules of your own. */
  readonly resolvers?: readonly HandlerResolver[]
  /** Stands around every attempt, for traces and tests. */
  readonly around?: AroundAttempt
  /** The same around every attempt of a step of a durable function. */
  readonly aroundFunctionStep?: AroundFunctionStep
  /** Publishers that templates name in `publishes_events`. */
  readonly publishers?: readonly EventPublisher[]
  /** The version of your code, kept with every event it causes. */
  readonly codeVersion?: string
  /** JSON lines on standard error when not given. */
  readonly logger?: Logger
  /** False: SIGTERM and SIGINT are yours; call `drain` yourself. */
  readonly signals?: boolean
  /** How long a drain waits for running handlers; two minutes when not said. */
  readonly drainTimeout?: Duration
  /** Bytes of the journals of suspended functions that are kept in memory, so that they need not be replayed; 64 MiB when not said. */
  readonly functionCacheBytes?: number
  /** How long a suspended function is kept; ten seconds when not said. */
  readonly functionKeep?: Duration
  /** For tests: replays each function from its journal whenever something happens to it. Nothing but its speed may change. */
  readonly replayFunctionsAlways?: boolean
  /** Called when the server has greeted the worker, again after each reconnect. */
  readonly onConnect?: (server: { readonly serverId: string }) => void
  /** gRPC when not given. */
  readonly transport?: Transport
  /** For tests. */
  readonly clock?: Clock
}

/** Runs handlers for the tasks of a namespace. `run` connects, and ends when the worker was drained or stopped. */
export class Worker {
  /** Names this worker to the server; made once (W2). */
  readonly workerId: string
  readonly #options: WorkerOptions
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #session: WorkerSession
  readonly #live: LiveSubscriptions
  readonly #ended: Promise<void>
  #end: (error: TaskerError | undefined) => void = () => undefined
  #running: Promise<void> | undefined
  #leaving = false

  constructor(options: WorkerOptions) {
    const { namespace, resolvers, around } = options
    const { tasks, functions } = sorted(options.tasks ?? [], namespace)
    const handlers = handlersOf(namespace, tasks, options.handlers ?? [], resolvers, around)
    this.workerId = monotonicFactory()()
    this.#options = options
    this.#transport = options.transport ?? grpcTransport({ url: options.url })
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? stderrLogger
    this.#ended = new Promise((resolve, reject) => {
      this.#end = (error) => (error === undefined ? resolve() : reject(error))
    })
    this.#live = new LiveSubscriptions(this.#transport, this.#clock, this.#logger, options.namespace)
    this.#session = new WorkerSession({
      transport: this.#transport,
      clock: this.#clock,
      logger: this.#logger,
      handlers,
      publishers: publishersOf(options.publishers ?? []),
      functions: {
        definitions: functions,
        cacheBytes: options.functionCacheBytes ?? LIMITS.functionCacheBytesDefault,
        keepMs: options.functionKeep === undefined ? LIMITS.functionKeepMsDefault : durationMs(options.functionKeep),
        replaysAlways: options.replayFunctionsAlways ?? false,
        around: options.aroundFunctionStep,
      },
      hello: {
        workerId: this.workerId,
        namespace: options.namespace,
        handlers: [...handlers.names, ...functions.keys()],
        slots: options.slots ?? LIMITS.workerSlotsDefault,
        codeVersion: options.codeVersion ?? '',
        sdk: SDK_NAME,
        host: hostname(),
      },
      drainMsMax: options.drainTimeout === undefined ? LIMITS.drainMsDefault : durationMs(options.drainTimeout),
      onConnect: (serverId) => options.onConnect?.({ serverId }),
      onEnd: (error) => this.#end(error),
    })
  }

  /**
   * Registers the definitions, connects, and works until it is drained or stopped; a lost server is tried again for ever. SIGTERM and
   * SIGINT drain, a second one stops. Rejects with a `TaskerError` when the server refuses a definition or the worker itself.
   */
  run(): Promise<void> {
    this.#running ??= this.#work()
    return this.#running
  }

  /**
   * Calls the handler with the `fast` and `broadcast` events of the namespace whose names fit the pattern, while the worker runs: at most once each, and
   * those that come while it is away or too slow are lost. For every event, use a `Subscriber`. Returns the way to stop.
   */
  subscribe(pattern: string, handler: DomainEventHandler): () => void {
    return this.#live.add(pattern, handler)
  }

  /** Finishes the attempts it has and takes no more; resolves when it is gone. */
  drain(): Promise<void> {
    this.#leaving = true
    this.#session.drain()
    return this.#running ?? Promise.resolve()
  }

  /** Aborts the attempts it has, gives their handlers a moment, and goes. */
  stop(): Promise<void> {
    this.#leaving = true
    this.#session.stop()
    return this.#running ?? Promise.resolve()
  }

  async #work(): Promise<void> {
    const dropSignals = this.#options.signals === false ? () => undefined : this.#onSignals()
    try {
      for (const task of this.#options.tasks ?? []) await this.#register(JSON.stringify(task.template()))
      if (this.#leaving) return
      this.#session.start()
      this.#live.start()
      await this.#ended
    } finally {
      await this.#live.stop()
      dropSignals()
      if (this.#options.transport === undefined) this.#transport.close()
    }
  }

  async #register(content: string): Promise<void> {
    for (let failures = 0; !this.#leaving; failures++) {
      try {
        await this.#transport.register({ content, replace: false })
        return
      } catch (error) {
        if (!(error instanceof TaskerError && error.retryable)) throw error
        const waitMs = reconnectMs(failures, this.#clock.draw())
        this.#logger.warn('the server could not be asked to register a task, and is asked again', {
          error: error.message,
          waitMs,
        })
        await new Promise<void>((resolve) => void this.#clock.after(waitMs, resolve))
      }
    }
  }

  #onSignals(): () => void {
    const leave = (): void => {
      const gone = this.#leaving ? this.stop() : this.drain()
      // `run` tells of its errors.
      gone.catch(() => undefined)
    }
    process.on('SIGTERM', leave)
    process.on('SIGINT', leave)
    return () => {
      process.off('SIGTERM', leave)
      process.off('SIGINT', leave)
    }
  }
}

/** Tasks, and functions by their handler. Refuses functions of another namespace, and two of one name and version. */
const sorted = (definitions: NonNullable<WorkerOptions['tasks']>, namespace: string) => {
  const tasks: TaskDefinition[] = []
  const functions = new Map<string, FunctionDefinition>()
  for (const definition of definitions) {
    if (!isFunction(definition)) {
      tasks.push(definition)
      continue
    }
    const { name, version } = definition
    const address = functionAddress(definition)
    if (definition.namespace !== namespace)
      throw refused(
        'NAMESPACE_MISMATCH',
        `the function ${name} is of the namespace ${definition.namespace}, the worker of ${namespace}`,
      )
    if (functions.has(address))
      throw refused('DUPLICATE_HANDLER', `two functions are called ${name} and have the version ${version}`)
    functions.set(address, definition)
  }
  return { tasks, functions }
}

const refused = (reason: string, message: string): TaskerError => new TaskerError({ code: 'INVALID_INPUT', reason, message })

const publishersOf = (publishers: readonly EventPublisher[]): ReadonlyMap<string, EventPublisher> => {
  const byName = new Map<string, EventPublisher>()
  for (const publisher of publishers) {
    if (byName.has(publisher.name))
      throw new TaskerError({
        code: 'INVALID_INPUT',
        reason: 'DUPLICATE_PUBLISHER',
        message: `two publishers are called ${publisher.name}`,
      })
    byName.set(publisher.name, publisher)
  }
  return byName
}
