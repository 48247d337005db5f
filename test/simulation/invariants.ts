/**
 * What must be so after every run, whatever happened in it. Each checker reads the log anew, and answers with what it found wrong.
 *
 * I1  Folding the log gives the state that the running engine answers with.
 * I2  Rows built again from the log are the rows the projector wrote.
 * I3  At most one terminal event a task, and nothing after it.
 * I4  No step starts before what it depends on is complete.
 * I5  Attempts never exceed the policy, and their numbers never repeat.
 * I6  Every acknowledged submission is in the log and, once faults stop, terminal or blocked.
 * I7  Places are gapless, versions follow each other, and every stream's chain of hashes verifies.
 * I8  Submissions with one identity made one task, or one at a time where the template says so (`one-identity.ts`).
 *
 * I16 to I20 are those of `failure-invariants.ts`.
 * I9 to I11 are those of `branch-invariants.ts`, I12 to I14 those of `key-invariants.ts`.
 * I21 to I23 are those of `operator-invariants.ts`.
 * I15 Every domain event that the log records, and does not refuse, is published once faults stop: each once, those of a task in order.
 */
import { isDeepStrictEqual } from 'node:util'
import {
  batchOf,
  evolve,
  isTerminal,
  type LiveTask,
  NO_TASK,
  type Plan,
  readyRows,
  type RecordedTaskEvent,
  type StepId,
  type TaskId,
  type TaskState,
  TERMINAL_EVENTS,
  type TimerRow,
  timerRows,
  parseTaskId,
} from '@tasker/core'
import type { RunningEngine } from '@tasker/server/internal/engine/engine'
import { decodeTaskEvents } from '@tasker/server/internal/log/codec'
import { verifyChain } from '@tasker/server/internal/log/commit-hash'
import type { StoredCommit } from '@tasker/server/internal/log/port'
import { branchesHold } from './branch-invariants.js'
import { failuresHold, taking } from './failure-invariants.js'
import type { DomainMessage } from '@tasker/server/internal/publishers/message'
import type { MemoryStore } from '@tasker/server/internal/projections/memory-store'
import { keysHold } from './key-invariants.js'
import { oneTaskAnIdentity } from './one-identity.js'
import { ordersHold } from './operator-invariants.js'

export interface Evidence {
  readonly commits: readonly StoredCommit[]
  /** The same commits in the order in which they were written. */
  readonly written: readonly StoredCommit[]
  readonly engine: RunningEngine
  readonly store: MemoryStore
  readonly acknowledged: readonly TaskId[]
  /** What arrived at the transport, in order. */
  readonly published: readonly DomainMessage[]
}

interface Folded {
  readonly taskId: TaskId
  readonly events: readonly RecordedTaskEvent[]
  readonly task: LiveTask
}

export const checkAll = async (evidence: Evidence): Promise<readonly string[]> => {
  const folded = foldAll(evidence)
  return [
    ...(await foldEqualsLive(folded, evidence)),
    ...(await rowsEqualFold(folded, evidence)),
    ...folded.flatMap(oneEnd),
    ...folded.flatMap(startsAfterDependencies),
    ...folded.flatMap(attemptsWithinPolicy),
    ...folded.flatMap(branchesHold),
    ...folded.flatMap((one) => ordersHold(one, evidence.store.dump().deadLetters)),
    ...folded.flatMap(failuresHold),
    ...nothingAcknowledgedIsLost(folded, evidence),
    ...chainsVerify(evidence.commits),
    ...oneTaskAnIdentity(folded, evidence.commits),
    ...keysHold(evidence.written),
    ...everythingIsTold(folded, evidence),
  ]
}

const foldAll = ({ commits, engine }: Evidence): readonly Folded[] => {
  const streams = new Map<TaskId, StoredCommit[]>()
  for (const commit of commits) {
    const taskId = commit.stream.kind === 'task' ? parseTaskId(commit.stream.id) : undefined
    if (taskId === undefined) continue
    const list = streams.get(taskId)
    if (list === undefined) streams.set(taskId, [commit])
    else list.push(commit)
  }
  return [...streams].map(([taskId, stream]) => {
    const ordered = stream.toSorted((a, b) => a.firstVersion - b.firstVersion)
    const events = ordered.flatMap((commit) => decodeTaskEvents(commit))
    return { taskId, events, task: foldTask(events, engine) }
  })
}

const foldTask = (events: readonly RecordedTaskEvent[], engine: RunningEngine): LiveTask => {
  let state: TaskState = NO_TASK
  let plan: Plan | undefined
  for (const { event, at } of events) {
    if (event.type === 'task.submitted') plan = engine.template(event.namespace, event.name, event.version)?.plan
    if (plan === undefined) throw new Error('a task without a template')
    state = evolve(state, event, at, plan)
  }
  if (state.type !== 'task') throw new Error('a stream without events')
  return state
}

const foldEqualsLive = async (folded: readonly Folded[], { engine }: Evidence): Promise<readonly string[]> => {
  const wrong: string[] = []
  for (const { taskId, task } of folded) {
    const live = await engine.read(taskId)
    if (!isDeepStrictEqual(live?.state, task)) wrong.push(`I1 the fold of ${taskId} is not what the engine says`)
  }
  return wrong
}

const rowsEqualFold = async (folded: readonly Folded[], { store }: Evidence): Promise<readonly string[]> => {
  const wrong: string[] = []
  const stored = store.dump()
  const rows = new Map(stored.tasks.map((row) => [row.taskId, row]))
  for (const { taskId, task, events } of folded) {
    const row = rows.get(taskId)
    const version = events[events.length - 1]?.version
    if (row?.streamVersion !== version)
      wrong.push(`I2 the row of ${taskId} is at version ${row?.streamVersion}, the log at ${version}`)
    const ready = stored.ready.filter((other) => other.taskId === taskId)
    if (!isDeepStrictEqual(sorted(ready), sorted(readyRows(taskId, task))))
      wrong.push(`I2 the ready rows of ${taskId} are others`)
    const timers = stored.timers.filter((other: TimerRow) => other.taskId === taskId)
    if (!isDeepStrictEqual(sorted(timers), sorted(timerRows(taskId, task))))
      wrong.push(`I2 the timer rows of ${taskId} are others`)
  }
  return wrong
}

const sorted = (rows: readonly object[]): readonly string[] =>
  rows.map((row) => JSON.stringify(Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)))).toSorted()

const oneEnd = ({ taskId, events }: Folded): readonly string[] => {
  const ends = events.filter(({ event }) => TERMINAL_EVENTS.has(event.type))
  const last = events[events.length - 1]
  if (ends.length > 1) return [`I3 ${taskId} ended ${ends.length} times`]
  return ends.length === 1 && ends[0] !== last ? [`I3 ${taskId} went on after its end`] : []
}

const startsAfterDependencies = ({ taskId, events, task }: Folded): readonly string[] => {
  const complete = new Set<string>()
  const wentWithout = new Set<string>()
  const wrong: string[] = []
  // What starts after that is a way back.
  for (const { event } of events.slice(0, taking(events))) {
    if (event.type === 'step.completed' || event.type === 'step.skipped') complete.add(event.step)
    if (event.type === 'step.completed_manually' || event.type === 'step.resolved_manually') complete.add(event.step)
    // Nobody waits for what was not taken, nor for a worker that failed where its batch goes on.
    if (event.type === 'steps.created' && event.segment === 'decision') for (const name of event.notTaken) complete.add(name)
    if ((event.type === 'step.failed' || event.type === 'step.timed_out') && event.permanent && goesOnWithout(task, event.step))
      wentWithout.add(event.step)
    if (event.type !== 'step.started') continue
    const spec = task.graph.steps[task.graph.indexOf.get(event.step) ?? -1]
    if (spec !== undefined && spec.join !== 'all') {
      const enough = spec.dependencies.filter((name) => complete.has(name)).length
      if (enough < spec.join) wrong.push(`I4 ${event.step} of ${taskId} started with ${enough} of ${spec.join} before it`)
      continue
    }
    const missing =
      spec?.dependencies.filter((name) => !complete.has(name) && !wentWithout.has(name) && !isNotTaken(task, name)) ?? []
    if (missing.length > 0) wrong.push(`I4 ${event.step} of ${taskId} started before ${missing.join(', ')}`)
  }
  return wrong
}

/** What a person closed opens nothing, and no event names what is not taken then. */
const isNotTaken = (task: LiveTask, name: StepId): boolean =>
  task.steps[task.graph.indexOf.get(name) ?? -1]?.status === 'not_taken'

const goesOnWithout = (task: LiveTask, step: StepId): boolean =>
  batchOf(task, task.graph.indexOf.get(step) ?? -1)?.spec.failureStrategy === 'continue_on_failure' ||
  task.graph.steps[task.graph.indexOf.get(step) ?? -1]?.onFailure === 'continue'

const attemptsWithinPolicy = (folded: Folded): readonly string[] => {
  const begins = taking(folded.events)
  const wrong = [
    ...withinPolicy(folded, folded.events.slice(0, begins)),
    ...withinPolicy(folded, folded.events.slice(begins), true),
  ]
  for (const { name } of folded.task.graph.steps) {
    const started = folded.events.flatMap(({ event }) =>
      event.type === 'step.started' && event.step === name ? [event.attempt] : [],
    )
    if (new Set(started).size !== started.length) wrong.push(`I5 ${name} of ${folded.taskId} used an attempt number twice`)
  }
  return wrong
}

/** A way back has a policy of its own. */
const withinPolicy = ({ taskId, task }: Folded, events: readonly RecordedTaskEvent[], wayBack = false): readonly string[] => {
  const wrong: string[] = []
  for (const { name, retry: own, compensate } of task.graph.steps) {
    const retry = wayBack ? (compensate?.retry ?? own) : own
    const started = events.flatMap(({ event }) => (event.type === 'step.started' && event.step === name ? [event.attempt] : []))
    const released = events.filter(({ event }) => event.type === 'step.released' && event.step === name).length
    // Each reset gives the policy's budget once more.
    const budgets = 1 + events.filter(({ event }) => event.type === 'step.reset_for_retry' && event.step === name).length
    const counted = started.length - released
    if (counted > budgets * Math.max(1, retry.maxAttempts))
      wrong.push(`I5 ${name} of ${taskId} had ${counted} attempts of ${retry.maxAttempts}`)
    const completed = events.filter(({ event }) => event.type === 'step.completed' && event.step === name).length
    if (completed > 1) wrong.push(`I5 ${name} of ${taskId} was completed ${completed} times`)
  }
  return wrong
}

const nothingAcknowledgedIsLost = (folded: readonly Folded[], { acknowledged }: Evidence): readonly string[] => {
  const byId = new Map(folded.map((one) => [one.taskId, one]))
  return acknowledged.flatMap((taskId) => {
    const one = byId.get(taskId)
    if (one === undefined) return [`I6 ${taskId} was acknowledged and is not in the log`]
    const { phase } = one.task
    return isTerminal(phase) || phase === 'blocked' ? [] : [`I6 ${taskId} is ${phase} and nothing moves it: ${stuckAt(one.task)}`]
  })
}

const stuckAt = (task: LiveTask): string =>
  task.steps.map((step, index) => `${task.graph.steps[index]?.name} ${step.status}`).join(', ')

const chainsVerify = (commits: readonly StoredCommit[]): readonly string[] => {
  const wrong: string[] = []
  const partitions = new Map<number, number>()
  const streams = new Map<string, StoredCommit[]>()
  for (const commit of commits) {
    const expected = (partitions.get(commit.partition) ?? 0) + 1
    if (commit.seq !== expected) wrong.push(`I7 partition ${commit.partition} goes from ${expected - 1} to ${commit.seq}`)
    partitions.set(commit.partition, commit.seq)
    const key = `${commit.stream.kind}/${commit.stream.id}`
    const list = streams.get(key)
    if (list === undefined) streams.set(key, [commit])
    else list.push(commit)
  }
  for (const [key, stream] of streams) {
    const verdict = verifyChain(stream)
    if (verdict.type !== 'intact') wrong.push(`I7 the chain of ${key}: ${JSON.stringify(verdict)}`)
  }
  return wrong
}

const everythingIsTold = (folded: readonly Folded[], { published }: Evidence): readonly string[] => {
  const arrived = new Map<string, string[]>()
  for (const { taskId, eventId } of published) {
    const ids = arrived.get(taskId) ?? []
    arrived.set(taskId, ids)
    ids.push(eventId)
  }
  return folded.flatMap(({ taskId, events }) => {
    const recorded = events.flatMap(({ event, version }) =>
      event.type === 'domain_event.recorded' && event.problems === undefined ? [`${taskId}:${version}`] : [],
    )
    const told = arrived.get(taskId) ?? []
    return isDeepStrictEqual(told, recorded) ? [] : [`I15 ${taskId} recorded ${recorded.join(' ')} and told ${told.join(' ')}`]
  })
}
