import { beforeAll, expect, test } from 'vitest'
import {
  type LiveTask,
  parseTaskId,
  stepId,
  type StepState,
  type TaskEvent,
  TERMINAL_EVENTS,
  timerRows,
  workerId,
} from '@tasker/core'
import { memoryStore } from '@tasker/server/internal/projections/memory-store'
import { NO_ROWS, RebuiltRows } from '../rebuilt-rows.js'
import { runSeed } from '../run.js'
import { type SeenCommit, type Witness } from '../witness.js'
import { INVARIANTS } from './all.js'
import { attemptNumbers } from './attempt-numbers.js'
import { attemptsWithinPolicy } from './attempts-within-policy.js'
import { batchesWithinParallelism } from './batches-within-parallelism.js'
import { closedStaysClosed } from './closed-stays-closed.js'
import { endsStep, type InvariantOf, isDone, type Sent } from './invariant.js'
import { foldEqualsLive } from './fold-equals-live.js'
import { nothingAcknowledgedIsLost } from './nothing-acknowledged-is-lost.js'
import { nothingLeavesEarly } from './nothing-leaves-early.js'
import { nothingLeftOpen } from './nothing-left-open.js'
import { nothingRunsBesideWaysBack } from './nothing-runs-beside-ways-back.js'
import { nothingStartsPaused } from './nothing-starts-paused.js'
import { oneDeadLetterPending } from './one-dead-letter-pending.js'
import { oneOwnerWrites } from './one-owner-writes.js'
import { oneTaskAnIdentity } from './one-task-an-identity.js'
import { oneTerminalEvent } from './one-terminal-event.js'
import { onlyWhatWaitsIsHeld } from './only-what-waits-is-held.js'
import { openedWithItsEnd } from './opened-with-its-end.js'
import { placesAndChains } from './places-and-chains.js'
import { placesOfKeys } from './places-of-keys.js'
import { resultsCountFromHolders } from './results-count-from-holders.js'
import { rowsEqualRebuild } from './rows-equal-rebuild.js'
import { savedIsFoundAgain } from './saved-is-found-again.js'
import { skippedStaysSkipped } from './skipped-stays-skipped.js'
import { slotsAreKept } from './slots-are-kept.js'
import { startsAfterDependencies } from './starts-after-dependencies.js'
import { takenBackInFull } from './taken-back-in-full.js'
import { takenBackInReverse } from './taken-back-in-reverse.js'
import { overdueTimers } from './wake-ups-come.js'
import { followed, repeated, type Tamper, withAfter, without } from './tampering.js'

/** Worlds whose histories have something of everything. */
const SEEDS = [1, 5, 12]
const TIMEOUT_MS = 120_000
let worlds: readonly Witness[] = []

beforeAll(async () => {
  const reports = []
  for (const seed of SEEDS) reports.push(await runSeed(seed))
  worlds = reports.map(({ witness }) => witness)
}, TIMEOUT_MS)

/** What an invariant says of a history. */
const saidOf = (invariantOf: InvariantOf, commits: readonly SeenCommit[], witness: Witness): readonly string[] => {
  const said: string[] = []
  const invariant = invariantOf((what) => said.push(what), witness)
  for (const commit of commits) invariant.commit?.(commit)
  return said
}

const is =
  (...types: readonly TaskEvent['type'][]) =>
  (event: TaskEvent): boolean =>
    types.includes(event.type)

const isTerminalEvent = ({ type }: TaskEvent): boolean => TERMINAL_EVENTS.has(type)

const likeEnd = (event: TaskEvent): TaskEvent | undefined =>
  event.type === 'step.completed_manually' ? { ...event, type: 'step.completed', attempt: 1 } : undefined

const startOfSkipped = (event: TaskEvent): TaskEvent | undefined =>
  event.type === 'step.skipped' ? { type: 'step.started', step: event.step, attempt: 9, worker: workerId('w') } : undefined

const withFirstPending = (task: LiveTask): LiveTask => ({
  ...task,
  steps: task.steps.map(
    (step, index): StepState => (index === 0 && step.status !== 'pending' ? { ...historyOf(step), status: 'pending' } : step),
  ),
})

const historyOf = ({
  attempts,
  attemptsSinceReset,
  ignored,
  since,
  firstStartedAt,
  lastStartedAt,
  lastFailure,
  ...rest
}: StepState) => ({
  attempts,
  attemptsSinceReset,
  ignored,
  since,
  firstStartedAt,
  lastStartedAt,
  lastFailure,
  lastFailedAt: rest.lastFailedAt,
  closeBy: rest.closeBy,
  reported: rest.reported,
})

/** Every task is another one with the identity of the first. */
const identitiesTwice: Tamper = (commits) =>
  commits.flatMap((commit) => {
    const other = parseTaskId('01ARZ3NDEKTSV4RRFFQ69G5FAV')
    return commit.task === undefined || other === undefined
      ? [commit]
      : [commit, { ...commit, task: { ...commit.task, taskId: other } }]
  })

const keysGrantedTwice: Tamper = (commits) =>
  commits.map((commit) =>
    commit.key === undefined
      ? commit
      : { ...commit, key: { ...commit.key, events: commit.key.events.flatMap((event) => [event, event]) } },
  )

const oneMissing: Tamper = (commits) => commits.filter((_commit, place) => place !== 100)

const otherText: Tamper = (commits) =>
  commits.map((commit, place) =>
    place === 100 ? { ...commit, stored: { ...commit.stored, text: `${commit.stored.text} ` } } : commit,
  )

const otherWriter: Tamper = (commits) =>
  commits.map((commit) => (commit.task === undefined ? commit : { ...commit, writers: new Set(['node-0']) }))

const otherWorker: Tamper = (commits) => commits.map((commit) => ({ ...commit, stored: { ...commit.stored, worker: 'another' } }))

const TAMPERED: readonly (readonly [string, InvariantOf, Tamper])[] = [
  ['I3', oneTerminalEvent, repeated(isTerminalEvent, 2)],
  ['I4', startsAfterDependencies, without((event) => isDone(event) || event.type === 'step.skipped')],
  ['I5', attemptsWithinPolicy, repeated(is('step.started'), 20)],
  ['I5', attemptsWithinPolicy, repeated(is('step.completed'), 2)],
  ['I7', placesAndChains, oneMissing],
  ['I7', placesAndChains, otherText],
  ['I8', oneTaskAnIdentity, identitiesTwice],
  ['I9', openedWithItsEnd, without(is('steps.created'))],
  ['I10', batchesWithinParallelism, without(endsStep)],
  ['I11', nothingLeftOpen, withAfter(is('task.completed'), (_after, before) => before)],
  ['I12', placesOfKeys, keysGrantedTwice],
  ['I13', placesOfKeys, without(endsStep)],
  ['I16', nothingRunsBesideWaysBack, without((event, _task, takingBack) => endsStep(event) && !takingBack)],
  ['I17', takenBackInReverse, without((event, _task, takingBack) => isDone(event) && takingBack)],
  ['I17', takenBackInReverse, repeated((event, _task, takingBack) => isDone(event) && takingBack, 2)],
  ['I18', takenBackInFull, withAfter(is('compensation.completed'), (_after, before) => before)],
  ['I19', skippedStaysSkipped, followed(startOfSkipped)],
  ['I20', onlyWhatWaitsIsHeld, withAfter(is('task.blocked'), withFirstPending)],
  ['I21', nothingStartsPaused, without(is('task.resumed'))],
  ['I22', closedStaysClosed, followed(likeEnd)],
  ['I23', oneDeadLetterPending, withAfter(is('task.dead_lettered'), (after) => ({ ...after, phase: 'completed' }))],
  ['I24', attemptNumbers, repeated(is('step.started'), 2)],
  ['I25', resultsCountFromHolders, without(is('step.started'))],
  ['I25', resultsCountFromHolders, otherWorker],
  ['I27', oneOwnerWrites, otherWriter],
]

test.each(TAMPERED)('%s is quiet about what happened, and notices when it is made wrong', (number, invariant, tamper) => {
  const said = worlds.map((witness) => saidOf(invariant, witness.commits, witness)).flat()
  const tampered = worlds.map((witness) => saidOf(invariant, tamper(witness.commits), witness)).flat()
  expect(said).toEqual([])
  expect(tampered.filter((what) => what.startsWith(`${number} `)).length).toBeGreaterThan(0)
})

const nobody = parseTaskId('01ARZ3NDEKTSV4RRFFQ69G5FAV')
const ref = { taskId: nobody, step: stepId('s'), attempt: 1 }
const ack = { status: 'recorded', checkpoint: 0, reason: undefined, message: undefined } as const
const worker = workerId('w')

/** Something that leaves a server, or happens at a worker, and must not. */
const SENT = (): readonly (readonly [string, InvariantOf, readonly Sent[]])[] => {
  if (ref.taskId === undefined) throw new Error('no task id')
  const of = { ...ref, taskId: ref.taskId }
  const [witness] = worlds
  const [seen] = witness?.tasks.values() ?? []
  if (seen?.state.type !== 'task') throw new Error('an empty world')
  const saved: Sent = { type: 'ack', to: worker, ack: { ...of, ...ack, checkpoint: 1 } }
  return [
    [
      'I1',
      foldEqualsLive,
      [{ type: 'read', taskId: seen.taskId, version: seen.events.length, state: { ...seen.state, phase: 'waiting' } }],
    ],
    ['I6', nothingAcknowledgedIsLost, [{ type: 'taken', taskId: of.taskId }]],
    ['I26', nothingLeavesEarly, [{ type: 'command', to: worker, ref: of }]],
    ['I26', nothingLeavesEarly, [{ type: 'ack', to: worker, ack: { ...of, ...ack } }]],
    ['I26', nothingLeavesEarly, [saved]],
    ['I26', nothingLeavesEarly, [{ type: 'done', token: '0:1000000' }]],
    ['I26', nothingLeavesEarly, [{ type: 'read', taskId: seen.taskId, version: 1_000_000, state: seen.state }]],
    ['I30', slotsAreKept, [{ type: 'runs', worker, attempts: 3, slots: 2 }]],
    ['I31', savedIsFoundAgain, [saved, { type: 'begins', ref: { ...of, attempt: 2 }, items: 0 }]],
  ]
}

test('what leaves a server too early, or is not what the log says, is noticed', () => {
  const [witness] = worlds
  if (witness === undefined) throw new Error('no world')
  for (const [number, invariantOf, sent] of SENT()) {
    const said: string[] = []
    const invariant = invariantOf((what) => said.push(what), witness)
    for (const one of sent) invariant.sent?.(one)
    expect(said.map((what) => what.split(' ')[0])).toEqual([number])
  }
})

test('rows that are not those of the log are noticed, and which table they are of', async () => {
  const [witness] = worlds
  if (witness === undefined) throw new Error('no world')
  const rebuilt = new RebuiltRows()
  for (const commit of witness.commits) rebuilt.see(commit)
  const said: string[] = []
  const store = memoryStore()
  const partition = witness.commits[0]?.stored.partition
  if (partition === undefined) throw new Error('an empty world')
  await store.write({ ...NO_ROWS, checkpoints: [{ partition, from: 0, to: witness.head(partition) }] })
  await rowsEqualRebuild((what) => said.push(what), witness).quiet?.({ store, rebuilt })
  expect(said.some((what) => what.startsWith('I2 rows of tasks are not those of the log'))).toBe(true)
})

test('nothing is overdue before a server has had time for it, and then it is', () => {
  const open = worlds.flatMap(({ tasks }) =>
    [...tasks.values()].flatMap((seen) => seen.states.map(({ state }) => ({ ...seen, state }))),
  )
  for (const [kind, patienceMs] of [
    ['retry', 5_000],
    ['staleness', 65_000],
  ] as const) {
    const seen = open.find(({ taskId, state }) => timerRows(taskId, state).some((row) => row.kind === kind))
    const due = seen === undefined ? undefined : timerRows(seen.taskId, seen.state).find((row) => row.kind === kind)
    if (seen === undefined || due === undefined) throw new Error(`no ${kind} in these worlds`)
    const servesSince = due.dueAt + 20_000
    const kindsAt = (now: number): readonly string[] =>
      overdueTimers({ tasks: new Map([[seen.taskId, seen]]) }, { now, servesSince }).map((row) => row.kind)
    expect(kindsAt(servesSince + patienceMs)).not.toContain(kind)
    expect(kindsAt(servesSince + patienceMs + 1)).toContain(kind)
  }
})

test('every invariant is among those that worlds are shown to', () => {
  expect(TAMPERED.filter(([, invariant]) => !INVARIANTS.includes(invariant))).toEqual([])
  expect(INVARIANTS.length).toBeGreaterThanOrEqual(30)
})
