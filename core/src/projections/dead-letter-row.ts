/** The rows of a task's dead letters: what lists filter and rank by, and the task as it was. */
import { instantText } from '../kernel/instant.js'
import { jsonOf, type JsonText } from '../kernel/json.js'
import type { StepId, TaskId } from '../kernel/ids.js'
import { type DeadLetter, type LetterSubject, NO_DEAD_LETTERS } from '../task/letters/dead-letter.js'
import type { LiveTask } from '../task/state.js'
import type { DeadLetterRow } from './rows.js'

const NO_ROWS: readonly DeadLetterRow[] = []

/** All entries the task remembers, oldest first. */
export const deadLetterRows = (taskId: TaskId, task: LiveTask): readonly DeadLetterRow[] =>
  task.deadLetters === NO_DEAD_LETTERS ? NO_ROWS : task.deadLetters.entries.map((letter) => deadLetterRow(taskId, task, letter))

export const deadLetterRow = (taskId: TaskId, { submitted }: LiveTask, letter: DeadLetter): DeadLetterRow => ({
  taskId,
  entry: letter.entry,
  namespace: submitted.namespace,
  name: submitted.name,
  version: submitted.version,
  reason: letter.reason,
  status: letter.status,
  originalState: letter.originalState,
  step: stepOf(letter.subject),
  openedAt: letter.openedAt,
  resolvedAt: letter.resolvedAt,
  resolvedBy: letter.resolvedBy,
  notes: letter.notes,
  metadata: letter.metadata,
  snapshot: snapshotText(letter),
})

const stepOf = (subject: LetterSubject): StepId | undefined => {
  switch (subject.type) {
    case 'task':
      return undefined
    case 'failed':
      return subject.steps[0]
    case 'stale':
    case 'queued':
      return subject.step
  }
}

/** `step_counts` by status, the steps that were not plainly done or to come, and for a stale task what was over. */
const snapshotText = ({ snapshot, subject, originalState }: DeadLetter): JsonText =>
  jsonOf({
    status: originalState,
    step_counts: snapshot.counts,
    steps: snapshot.steps.map(({ step, status, attempts, failure }) => ({
      step_id: step,
      status,
      attempts,
      ...(failure === undefined ? {} : { last_failure: failure }),
    })),
    ...(snapshot.moreSteps === 0 ? {} : { more_steps: snapshot.moreSteps }),
    ...(subject.type === 'stale'
      ? { stale: { state: subject.state, since: instantText(subject.since), threshold_ms: subject.thresholdMs } }
      : {}),
  })
