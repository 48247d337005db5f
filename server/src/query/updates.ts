/** Requests to durable functions, as whoever sends them sees them: handed in once, answered once, and waited for a bounded time. */
import { isTerminal, type JsonText, type TaskId, type UpdateOutcome } from '@tasker/core'
import type { CommandAnswer, Engine, TaskSnapshot } from '../engine/api.js'

export interface Update {
  readonly taskId: TaskId
  /** Made before the first try. */
  readonly id: string
  readonly name: string
  readonly payload: JsonText
  readonly actor: string
}

export interface Patience {
  readonly waitMs: number
  /** End the wait before its time. */
  readonly ends: readonly AbortSignal[]
}

export type Updated =
  /** In the log; without an outcome nobody has answered yet. */
  | { readonly type: 'taken'; readonly token: string; readonly outcome: UpdateOutcome | undefined }
  | Exclude<CommandAnswer, { readonly type: 'done' }>

type Ports = Pick<Engine, 'read' | 'order' | 'follow'>

export const sendUpdate = async (engine: Ports, update: Update, patience: Patience): Promise<Updated> => {
  const { taskId, id, name, payload, actor } = update
  const before = await engine.read(taskId)
  // A task that is over takes no orders, but its answers stay.
  const known = before?.state.journal?.updates.get(id)?.name === name ? answerIn(before, id) : undefined
  if (known !== undefined) return { type: 'taken', token: '', outcome: known }
  const answer = await engine.order(taskId, { type: 'update', id, name, payload }, actor)
  if (answer.type !== 'done') return answer
  return { type: 'taken', token: answer.token, outcome: await answerWithin(engine, taskId, id, patience) }
}

/** What is known of an update that the task has. */
const answerIn = ({ state }: TaskSnapshot, id: string): UpdateOutcome | undefined => {
  const update = state.journal?.updates.get(id)
  if (update === undefined) return undefined
  return update.outcome ?? (isTerminal(state.phase) ? ENDED : undefined)
}

const ENDED: UpdateOutcome = {
  type: 'failed',
  failure: {
    message: 'The task ended before it had answered the update.',
    errorType: 'UpdateError',
    code: 'UPDATE_NOT_ANSWERED',
    retryable: false,
  },
}

const answerWithin = async (
  engine: Ports,
  taskId: TaskId,
  id: string,
  patience: Patience,
): Promise<UpdateOutcome | undefined> => {
  const snapshot = await engine.read(taskId)
  const now = snapshot && answerIn(snapshot, id)
  const { waitMs, ends } = patience
  if (snapshot === undefined || now !== undefined || waitMs === 0 || ends.some(({ aborted }) => aborted)) return now
  await untilItMayBe(engine, { taskId, id, version: snapshot.version }, patience)
  const after = await engine.read(taskId)
  return after && answerIn(after, id)
}

interface Place {
  readonly taskId: TaskId
  readonly id: string
  readonly version: number
}

const TERMINAL: ReadonlySet<string> = new Set(['task.completed', 'task.failed', 'task.cancelled', 'task.resolved_manually'])

/** Until the answer is in the log, the task has ended, or nobody waits any more. */
const untilItMayBe = async (engine: Ports, { taskId, id, version }: Place, { waitMs, ends }: Patience): Promise<void> => {
  const over = new AbortController()
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, waitMs)
      over.signal.addEventListener('abort', () => clearTimeout(timer))
      for (const signal of ends) signal.addEventListener('abort', () => resolve(), { once: true, signal: over.signal })
      const following = engine.follow(taskId, version, {
        onEvents: (events) => {
          if (events.some(({ event }) => (event.type === 'update.answered' ? event.id === id : TERMINAL.has(event.type))))
            resolve()
        },
      })
      following.then((stop) => {
        if (over.signal.aborted) stop()
        else over.signal.addEventListener('abort', stop)
      }, reject)
    })
  } finally {
    over.abort()
  }
}
