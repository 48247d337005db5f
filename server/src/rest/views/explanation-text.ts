/** An explanation as JSON. */
import {
  type Instant,
  instantText,
  type JsonText,
  jsonOf,
  type StepExplanation,
  type TaskExplanation,
  type TaskReason,
  type KeyPlaceHolder,
  taskStatus,
} from '@tasker/core'
import type { TaskSnapshot } from '../../engine/api.js'
import type { Descendant, Family } from '../../query/family.js'
import { asOf } from './as-of.js'

export const explanationText = (
  snapshot: TaskSnapshot,
  { status, reasons, steps }: TaskExplanation,
  family: Family,
): JsonText => {
  const moment = asOf(snapshot)
  return jsonOf({
    task_id: snapshot.taskId,
    status,
    ...(moment && { as_of: moment }),
    reasons: reasons.map(reasonView),
    steps: steps.map(stepView),
    children: family.descendants.flatMap(openView),
  })
}

/** What the task waits for in other tasks, however far below. */
const openView = ({ child, parent, state }: Descendant) =>
  child.outcome === 'open'
    ? [
        {
          task_id: child.taskId,
          parent_task_id: parent,
          parent_step_id: child.step,
          key: child.key,
          name: child.name,
          status: state === undefined ? null : taskStatus(state),
        },
      ]
    : []

const reasonView = ({ reason, why, unblockedBy, until, commands }: TaskReason) => ({
  reason,
  why,
  unblocked_by: unblockedBy,
  until: atOrNull(until),
  commands,
})

const stepView = (step: StepExplanation) => ({
  step_id: step.step,
  status: step.status,
  since: instantText(step.since),
  reason: step.reason,
  why: step.why,
  unblocked_by: step.unblockedBy,
  until: atOrNull(step.until),
  waits_for: step.waitsFor,
  chain: step.chain.map(({ step: name, waitsFor, ...link }) => ({ step_id: name, ...link, waits_for: waitsFor })),
  root_causes: step.rootCauses,
  chain_cut: step.chainCut,
  held_by: step.heldBy.map(holderView),
  inputs: step.inputs.map(({ path, value }) => ({ path, value: value?.text ?? null, cut_from: value?.cutFrom ?? null })),
  commands: step.commands,
})

const holderView = ({ taskId, step, attempt, since, freeAt }: KeyPlaceHolder) => ({
  task_id: taskId,
  step_id: step,
  attempt,
  since: instantText(since),
  free_at: atOrNull(freeAt),
})

const atOrNull = (at: Instant | undefined): string | null => (at === undefined ? null : instantText(at))
