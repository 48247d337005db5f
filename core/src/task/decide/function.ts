/**
 * The orders a durable function takes beside those of a step.
 *
 * Q1  Only the worker that holds the attempt of `run` hands anything in: a run that was replaced leaves nothing in the journal.
 * Q2  A function that is suspended is scheduled again by the fact that it may have waited for, in the commit of that fact. No fact is
 *     missed: a run that has not seen all of its journal is not suspended.
 * Q3  What a run hands in and what it does then is one decision. Only a suspension that may not be leaves the rest as it is.
 * Q4  A function that diverged is not scheduled until somebody lets it run. One that is being cancelled cannot clean up any more, and ends.
 * Q5  A call is a step like any other, but for what its end means: its function hears of it and is scheduled again. The end of the function is
 *     the end of its open calls.
 */
import type { Decision } from '../../kernel/decider.js'
import { elementAt, invariant, unreachable } from '../../kernel/invariant.js'
import { decideJournal } from '../../function/decide.js'
import type { ChildOver, FunctionCommand } from '../../function/commands.js'
import type { JournalEvent } from '../../function/events.js'
import type { FunctionJournal } from '../../function/journal.js'
import { RUN_STEP } from '../../function/template.js'
import type {
  ContinueFunction,
  DivergeFunction,
  FunctionTimerDue,
  RecordJournal,
  SignalTask,
  SuspendFunction,
  UpdateTask,
} from '../commands.js'
import type { TaskEvent } from '../events.js'
import { refuse, type TaskRefusal } from '../refusals.js'
import type { LiveTask } from '../state.js'
import { isHeldBy, leaseLost } from './attempt.js'
import { type Draft, draftOf } from './draft.js'
import { settle } from './settle.js'
import { wake } from './wake.js'

type FromOutside = FunctionTimerDue | SignalTask | UpdateTask | ChildOver
type HandedIn = RecordJournal | SuspendFunction | DivergeFunction | ContinueFunction
type Decided = Decision<TaskEvent, TaskRefusal>

const RUN = 0

const FROM_OUTSIDE: ReadonlySet<string> = new Set(['timer_due', 'signal', 'update', 'child_over'])

const isFromOutside = (command: HandedIn | FromOutside): command is FromOutside => FROM_OUTSIDE.has(command.type)

export const decideFunction = (task: LiveTask, command: HandedIn | FromOutside): Decided => {
  const { journal } = task
  if (journal === undefined) return refuse('NO_FUNCTION', `The task ${task.submitted.name} runs no durable function.`)
  if (isFromOutside(command)) return fromOutside(task, journal, command)
  const run = elementAt(task.steps, RUN, 'steps')
  if (!isHeldBy(run, command.attempt, command.worker)) {
    return leaseLost({ step: RUN_STEP, attempt: command.attempt }, 'its worker does not hold it')
  }
  return fromRun(task, journal, command)
}

const fromRun = (task: LiveTask, journal: FunctionJournal, command: HandedIn): Decided => {
  const { attempt } = command
  switch (command.type) {
    case 'record':
      return decideRecord(task, journal, command)
    case 'suspend':
      if (command.seen < journal.length || journal.diverged !== undefined) {
        return refuse('JOURNAL_HAS_NEWS', `The function has seen ${command.seen} facts of ${journal.length}.`)
      }
      return { type: 'accepted', events: [{ type: 'step.suspended', step: RUN_STEP, attempt }] }
    case 'diverge':
      return withJournal(task, journal, command, (draft) => {
        draft.add({ type: 'step.suspended', step: RUN_STEP, attempt })
        if (task.phase === 'cancelling') end(draft)
      })
    case 'continue':
      if (task.phase === 'cancelling') return endCancelled(task, command)
      return decideJournal(journal, command)
    default:
      return unreachable(command)
  }
}

/** Q3. */
const decideRecord = (task: LiveTask, journal: FunctionJournal, command: RecordJournal): Decided => {
  const decision = decideJournal(journal, command)
  const { at, attempt, worker, then } = command
  if (decision.type === 'refused') return decision
  const events = withCallsScheduled(decision.events)
  if (then === undefined) return { type: 'accepted', events }
  const draft = draftOf(task, at)
  for (const event of events) draft.add(event)
  if (then.type === 'suspend') {
    if (then.seen >= journal.length) draft.add({ type: 'step.suspended', step: RUN_STEP, attempt })
    return { type: 'accepted', events: draft.events }
  }
  const { journal: recorded } = draft.task
  invariant(recorded !== undefined, 'a function keeps its journal')
  const after = fromRun(draft.task, recorded, { ...then, at, attempt, worker })
  return after.type === 'refused' ? after : { type: 'accepted', events: [...draft.events, ...after.events] }
}

/** A call is ready at once: it waits for no step. One whose record takes it back never is. */
const withCallsScheduled = (events: readonly JournalEvent[]): readonly TaskEvent[] => {
  if (!events.some(({ type }) => type === 'steps.created')) return events
  const cancelled = new Set(events.flatMap((event) => (event.type === 'step.cancelled' ? [event.step] : [])))
  return events.flatMap((event): readonly TaskEvent[] => {
    if (event.type !== 'steps.created') return [event]
    const ready = event.steps.filter((step) => !cancelled.has(step))
    return [event, ...ready.map((step): TaskEvent => ({ type: 'step.scheduled', step, attempt: 1 }))]
  })
}

/** Q2. */
const fromOutside = (task: LiveTask, journal: FunctionJournal, command: FromOutside): Decided =>
  withJournal(task, journal, command, wake)

/** The events of the journal, and what follows them if there are any. */
const withJournal = (
  task: LiveTask,
  journal: FunctionJournal,
  command: FunctionCommand,
  follow: (draft: Draft) => void,
): Decided => {
  const decision = decideJournal(journal, command)
  if (decision.type === 'refused' || decision.events.length === 0) return decision
  const draft = draftOf(task, command.at)
  for (const event of decision.events) draft.add(event)
  follow(draft)
  return { type: 'accepted', events: draft.events }
}

/** There is nothing to go on with. */
const endCancelled = (task: LiveTask, { at }: ContinueFunction): Decided => {
  const draft = draftOf(task, at)
  end(draft)
  return { type: 'accepted', events: draft.events }
}

const end = (draft: Draft): void => {
  draft.add({ type: 'step.cancelled', step: RUN_STEP })
  settle(draft, [RUN])
}
