/** The client: submits tasks and follows them. */
import { ListOrder } from '@tasker/proto'
import { monotonicFactory } from 'ulid'
import { systemClock, type Clock } from '../clock.js'
import { validated } from '../definition/schema.js'
import type { TaskDefinition } from '../definition/task.js'
import { durationMs, type Duration } from '../duration.js'
import { TaskerError } from '../errors/tasker-error.js'
import type { FunctionDefinition } from '../function/define-function.js'
import { LIMITS } from '../limits.js'
import { stderrLogger, type Logger } from '../logger.js'
import { grpcTransport } from '../wire/grpc.js'
import { reconnectMs } from '../wire/link.js'
import type { Transport } from '../wire/transport.js'
import { TaskHandle, type HandlePorts, type OnWait } from './handle.js'
import { Schedules } from './schedules.js'
import { ClientSession } from './session.js'
import { submitRequest, type SubmitOptions, type TaskRef } from './submission.js'
import { taskState, type TaskState } from './task-state.js'

export interface ClientOptions {
  /** Host and port of the server's gRPC door, such as `localhost:9190`. */
  readonly url: string
  /** For tasks that are named without one. */
  readonly namespace?: string
  /** Submissions that may be on their way at once; the others wait. 1,000 when not said. */
  readonly maxInFlight?: number
  /** How long a submission waits for its answer, server restarts included; a minute when not said. */
  readonly submitTimeout?: Duration
  /** JSON lines on standard error when not given. */
  readonly logger?: Logger
  /** gRPC when not given. */
  readonly transport?: Transport
  /** For tests. */
  readonly clock?: Clock
  /** For tests: hears of every wait for a result. */
  readonly onWait?: OnWait
}

export interface ListOptions {
  /** The client's when not given, or all. */
  readonly namespace?: string
  readonly name?: string
  readonly version?: string
  readonly status?: readonly string[]
  readonly tag?: string
  readonly correlationId?: string
  readonly initiator?: string
  /** Ranges include their start and exclude their end. */
  readonly createdFrom?: Date
  readonly createdBefore?: Date
  readonly updatedFrom?: Date
  readonly updatedBefore?: Date
  /** Found anywhere in id, name, initiator, source system, reason, correlation id or tags, in either case. */
  readonly text?: string
  /** By creation: `newest` (the default) or `oldest` first; by the last change: `latest` or `stalest` first. */
  readonly order?: 'newest' | 'oldest' | 'latest' | 'stalest'
  /** 50 when not said, at most 500. */
  readonly limit?: number
  /** `nextCursor` of the page before. */
  readonly cursor?: string
  /** Of handles whose tasks must be in the list. */
  readonly consistencyTokens?: readonly string[]
}

const ORDERS = {
  newest: ListOrder.LIST_ORDER_CREATED_DESC,
  oldest: ListOrder.LIST_ORDER_CREATED_ASC,
  latest: ListOrder.LIST_ORDER_UPDATED_DESC,
  stalest: ListOrder.LIST_ORDER_UPDATED_ASC,
} as const

export interface TaskPage {
  readonly tasks: readonly TaskState[]
  /** Undefined on the last page. */
  readonly nextCursor: string | undefined
}

/** Connects when it is first used; one client is enough for a process. Every call may reject with a `TaskerError`. */
export class Client {
  /** What starts tasks by the clock. */
  readonly schedules: Schedules
  readonly #options: ClientOptions
  readonly #ports: HandlePorts
  readonly #session: ClientSession
  readonly #submissionMsMax: number
  readonly #makeId = monotonicFactory()
  readonly #registered = new WeakSet<object>()
  readonly #registrations = new WeakMap<object, Promise<void>>()
  #closed = false

  constructor(options: ClientOptions) {
    const transport = options.transport ?? grpcTransport({ url: options.url })
    const clock = options.clock ?? systemClock
    this.#options = options
    this.#submissionMsMax = options.submitTimeout === undefined ? LIMITS.submissionMsMax : durationMs(options.submitTimeout)
    this.#session = new ClientSession({
      transport,
      clock,
      logger: options.logger ?? stderrLogger,
      inFlightMax: options.maxInFlight ?? LIMITS.submissionsInFlightMax,
      submissionMsMax: this.#submissionMsMax,
    })
    this.schedules = new Schedules(transport, options.namespace)
    this.#ports = { session: this.#session, transport, clock, onWait: options.onWait ?? onlyWait }
  }

  /**
   * Submits a task; resolves when the server has it for good. The input is checked against the definition's schema first, and the
   * definition is registered with the server, once a client.
   */
  submit<Input, Result>(
    task: TaskDefinition<Input, Result> | FunctionDefinition<Input, Result>,
    input: NoInfer<Input>,
    options?: SubmitOptions,
  ): Promise<TaskHandle<Result>>
  /** Submits a task by the name of its template. */
  submit(task: TaskRef, input: object, options?: SubmitOptions): Promise<TaskHandle>
  async submit(
    task: TaskDefinition | FunctionDefinition | TaskRef,
    input: unknown,
    options: SubmitOptions = {},
  ): Promise<TaskHandle> {
    const version = task.version ?? ''
    const namespace = task.namespace ?? this.#options.namespace
    if (namespace === undefined) throw noNamespace(task.name)
    if (task.template !== undefined) {
      if (task.schema !== undefined) {
        const output = validated(task.schema, input, `${'body' in task ? 'function' : 'task'} ${task.name}`)
        if (output instanceof Promise) await output
      }
      if (!this.#registered.has(task)) await this.#register(task)
    }
    const request = submitRequest({ namespace, name: task.name, version }, input, options.requestId ?? this.#makeId(), options)
    const { response, watch } = await this.#session.submit(request)
    return new TaskHandle(this.#ports, watch, response)
  }

  /** A handle for a task that is known by its id. */
  task<Result = unknown>(taskId: string): TaskHandle<Result> {
    return new TaskHandle<Result>(this.#ports, this.#session.watch(taskId), { existing: true, consistencyToken: '' })
  }

  /** A page of tasks, newest first; eventually consistent but for the tasks whose tokens are given. */
  async list(options: ListOptions = {}): Promise<TaskPage> {
    const response = await this.#ports.transport.list({
      namespace: options.namespace ?? this.#options.namespace ?? '',
      name: options.name ?? '',
      version: options.version ?? '',
      status: [...(options.status ?? [])],
      tag: options.tag ?? '',
      correlationId: options.correlationId ?? '',
      initiator: options.initiator ?? '',
      createdFromMs: options.createdFrom?.getTime() ?? 0,
      createdBeforeMs: options.createdBefore?.getTime() ?? 0,
      updatedFromMs: options.updatedFrom?.getTime() ?? 0,
      updatedBeforeMs: options.updatedBefore?.getTime() ?? 0,
      text: options.text ?? '',
      order: ORDERS[options.order ?? 'newest'],
      limit: options.limit ?? 0,
      cursor: options.cursor ?? '',
      consistencyTokens: [...(options.consistencyTokens ?? [])],
    })
    return { tasks: response.tasks.map(taskState), nextCursor: response.nextCursor === '' ? undefined : response.nextCursor }
  }

  /** Gives up what waits and closes the connection. Tasks that were submitted go on. */
  close(): void {
    this.#closed = true
    this.#session.close()
    if (this.#options.transport === undefined) this.#ports.transport.close()
  }

  // Many submissions at once share one registration; one that failed is tried again by the next.
  #register(task: TaskDefinition | FunctionDefinition): Promise<void> {
    const running = this.#registrations.get(task)
    if (running !== undefined) return running
    const registration = this.#registerInTime(JSON.stringify(task.template())).then(
      () => void this.#registered.add(task),
      (error: unknown) => {
        this.#registrations.delete(task)
        throw error
      },
    )
    this.#registrations.set(task, registration)
    return registration
  }

  // A server that is away is waited for as long as a submission waits for its answer.
  async #registerInTime(content: string): Promise<void> {
    const { transport, clock } = this.#ports
    const expiresAtMs = clock.nowMs() + this.#submissionMsMax
    for (let failures = 0; ; failures++) {
      try {
        await transport.register({ content, replace: false })
        return
      } catch (error) {
        const waitMs = reconnectMs(failures, clock.draw())
        const mayRepeat = error instanceof TaskerError && error.retryable && !this.#closed
        if (!mayRepeat || clock.nowMs() + waitMs > expiresAtMs) throw error
        await new Promise<void>((resolve) => void clock.after(waitMs, resolve))
        if (this.#closed) throw error
      }
    }
  }
}

const onlyWait: OnWait = (_taskId, outcome) => outcome

const noNamespace = (name: string): TaskerError =>
  new TaskerError({
    code: 'INVALID_INPUT',
    reason: 'MISSING_NAMESPACE',
    message: `no namespace was given for ${name}`,
    hint: 'name it in the call, or once for all in the options of the client',
  })
