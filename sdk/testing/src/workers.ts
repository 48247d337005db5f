/** The workers of a test: one a namespace, real ones of the SDK, that may die at any moment. */
import {
  type AroundAttempt,
  type AroundFunctionStep,
  type Clock,
  defineStep,
  Worker,
  type FunctionDefinition,
  type Logger,
  type MessageStream,
  type TaskDefinition,
  type Transport,
  type WorkerOptions,
} from '@tasker/sdk'

type Handlers = NonNullable<WorkerOptions['handlers']>

export interface WorkersPorts {
  readonly connection: Required<Pick<WorkerOptions, 'url' | 'clock' | 'logger' | 'transport'>>
  readonly around: AroundAttempt
  readonly aroundFunctionStep: AroundFunctionStep
  readonly tasks: readonly (TaskDefinition | FunctionDefinition)[]
  readonly replayFunctionsAlways: boolean
  readonly handlers: Handlers
  /** Where they work beside the namespaces of the tasks. */
  readonly namespaces: readonly string[]
}

interface Live {
  readonly worker: Worker
  /** Its process is gone. */
  readonly die: () => void
}

export class Workers {
  readonly #ports: WorkersPorts
  readonly #mocked = new Set<string>()
  #live: Live[] = []
  #trouble: Error | undefined

  constructor(ports: WorkersPorts) {
    this.#ports = ports
  }

  /** Resolves when the server has greeted all; rejects when it refuses one, or a definition. */
  async start(): Promise<void> {
    const { tasks, handlers } = this.#ports
    await Promise.all(
      this.#namespaces().flatMap((namespace) => {
        const own = tasks.filter((task) => task.namespace === namespace)
        const mocked = [...this.#mocked].map((callable) => this.#startMocked(namespace, callable))
        const offersNothing = own.length === 0 && handlers.length === 0
        return offersNothing ? mocked : [this.#startOne(namespace, own, handlers), ...mocked]
      }),
    )
  }

  /** Throws what a worker has ended with: a handler that the server does not take, for one. */
  check(): void {
    if (this.#trouble !== undefined) throw this.#trouble
  }

  /** Offers a handler that is none of the test's code, for a mock of it. */
  offer(callable: string): void {
    if (this.#mocked.has(callable) || this.#ports.handlers.some((handler) => handler.callable === callable)) return
    this.#mocked.add(callable)
    for (const namespace of this.#namespaces()) this.#startMocked(namespace, callable).catch(() => undefined)
  }

  /** All are gone from one moment to the next. */
  crash(): void {
    for (const { die } of this.#live) die()
    this.#live = []
  }

  /** Their handlers are told to stop. */
  stop(): void {
    for (const { worker } of this.#live) worker.stop().catch(() => undefined)
  }

  #namespaces(): readonly string[] {
    const { tasks, namespaces } = this.#ports
    return [...new Set([...namespaces, ...tasks.map(({ namespace }) => namespace)])]
  }

  #startMocked(namespace: string, callable: string): Promise<void> {
    return this.#startOne(namespace, [], [defineStep(callable, () => Promise.reject(new Error(`${callable} is mocked no more`)))])
  }

  #startOne(namespace: string, tasks: WorkersPorts['tasks'], handlers: Handlers): Promise<void> {
    const { connection, around, aroundFunctionStep, replayFunctionsAlways } = this.#ports
    const { transport, clock, die } = mortal(connection)
    const own = { ...connection, transport, clock, signals: false, around, aroundFunctionStep, replayFunctionsAlways }
    return new Promise((resolve, reject) => {
      const onConnect = (): void => resolve()
      const worker = new Worker({ ...own, namespace, tasks, handlers, onConnect })
      this.#live.push({ worker, die })
      const refused = (error: unknown): void => {
        this.#trouble ??= error instanceof Error ? error : new Error(String(error))
        reject(this.#trouble)
      }
      worker.run().then(resolve, refused)
    })
  }
}

interface Mortal {
  readonly transport: Transport
  readonly clock: Clock
  readonly die: () => void
}

/** A way to the server, and a clock, that end with their process: what is said later goes nowhere, and what was set never comes. */
const mortal = ({ transport, clock }: Pick<Mortal, 'transport' | 'clock'>): Mortal => {
  const alarms = new Set<() => void>()
  const streams = new Set<MessageStream<never>>()
  let dead = false
  return {
    transport: {
      ...transport,
      openWorker: (listener) => {
        if (dead) return NOWHERE
        const stream = transport.openWorker(listener)
        streams.add(stream)
        return stream
      },
    },
    clock: {
      ...clock,
      after: (delayMs, callback) => {
        if (dead) return () => undefined
        const forget = (): void => void alarms.delete(stop)
        const callOff = clock.after(delayMs, () => {
          forget()
          callback()
        })
        const stop = (): void => {
          forget()
          callOff()
        }
        alarms.add(stop)
        return stop
      },
      every: (periodMs, callback) => {
        if (dead) return () => undefined
        const stop = clock.every(periodMs, callback)
        alarms.add(stop)
        return stop
      },
    },
    die: () => {
      dead = true
      for (const stop of alarms) stop()
      alarms.clear()
      for (const stream of streams) stream.abort()
    },
  }
}

const NOWHERE: MessageStream<unknown> = { write: () => true, finish: () => undefined, abort: () => undefined }

export const quiet: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
