/** What every rule's test stands on: a server, a client, a namespace and a template of its own. */
import {
  json,
  rawClient,
  type RawClient,
  type RawEvent,
  type RawOutcome,
  type RawSessionResponse,
  type RawStream,
  type RawSubmitted,
  type RawTask,
} from './raw-client.js'
import { makeId } from './raw-worker.js'

/** What the suite needs of a server. Short times make it fast. */
export interface ConformanceServer {
  /** Host and port. */
  readonly grpcUrl: string
  stop(): Promise<void>
}

export interface RawSession {
  readonly stream: RawStream<RawSessionResponse>
  /** The next answer and outcome, each given once. */
  readonly answer: () => Promise<RawSubmitted>
  readonly outcome: () => Promise<RawOutcome>
}

export interface Ground {
  readonly client: RawClient
  readonly namespace: string
  /** A fresh session. */
  session(): RawSession
  /** Submits a task of the ground's template; gives its id. */
  submit(context?: object): Promise<string>
  task(taskId: string): Promise<RawTask>
  /** The task's events so far; ends only for a task that has ended. */
  history(taskId: string): Promise<readonly RawEvent[]>
  close(): void
}

interface GroundStep {
  readonly name: string
  readonly dependencies?: readonly string[]
  readonly retry?: object
  readonly timeout_seconds?: number
  readonly type?: string
  readonly handler?: object
  readonly batch_config?: object
}

export const TEMPLATE = 'conformance'

/** A namespace and a template that no other test knows. */
export const prepareGround = async (
  server: ConformanceServer,
  steps: readonly GroundStep[] = [{ name: 'only' }],
): Promise<Ground> => {
  const client = rawClient(server.grpcUrl)
  const namespace = `rules-${makeId().toLowerCase()}`
  const content = JSON.stringify({
    name: TEMPLATE,
    namespace_name: namespace,
    version: '1.0.0',
    steps: steps.map((step) => ({ handler: { callable: `Handle.${step.name}` }, ...step })),
  })
  await client.call('TemplateService/Register', { content })
  return {
    client,
    namespace,
    session: () => sessionOf(client.session()),
    submit: async (context = {}) => {
      const request = { request_id: makeId(), namespace, name: TEMPLATE, context: json(context) }
      return (await client.call<RawSubmitted>('TaskService/Submit', request)).task_id
    },
    task: async (taskId) => (await client.call<{ readonly task: RawTask }>('TaskService/Get', { task_id: taskId })).task,
    history: async (taskId) => {
      const messages = await client.collect<{ readonly events: readonly RawEvent[] }>('TaskService/Watch', { task_id: taskId })
      return messages.flatMap((message) => message.events)
    },
    close: () => client.close(),
  }
}

const sessionOf = (stream: RawStream<RawSessionResponse>): RawSession => {
  const taken = { answers: 0, outcomes: 0 }
  return {
    stream,
    answer: () => stream.inbox.item((message) => message.submitted, taken.answers++),
    outcome: () => stream.inbox.item((message) => message.outcomes, taken.outcomes++),
  }
}
