/** Submit: the task, its steps, and the first of them ready at once unless the task has to wait for its time. */
import { keyText } from '../../key/gate.js'
import type { Decision } from '../../kernel/decider.js'
import { initialSegment } from '../../graph/branches.js'
import type { StepId } from '../../kernel/ids.js'
import { elementAt, invariant } from '../../kernel/invariant.js'
import type { Plan } from '../../template/plan.js'
import type { SubmitTask } from '../commands.js'
import type { StepsCreated, StepScheduled, TaskEvent, TaskSubmitted } from '../events.js'
import { evolve } from '../evolve.js'
import { submissionRoots } from '../expression-roots.js'
import type { TaskRefusal } from '../refusals.js'
import { NO_TASK } from '../state.js'
import { draftOf } from './draft.js'
import { beginAll } from './settle.js'

export const decideSubmit = (command: SubmitTask): Decision<TaskEvent, TaskRefusal> => {
  const { plan, runAt } = command
  const submitted = submittedBy(command)
  const created: StepsCreated = { type: 'steps.created', segment: 'initial', steps: initialNames(plan) }
  if (runAt !== undefined && runAt > command.at) return { type: 'accepted', events: [submitted, created] }
  if (plan.plain) return { type: 'accepted', events: [submitted, created, ...firstEvents(plan)] }
  const task = evolve(evolve(NO_TASK, submitted, command.at, plan), created, command.at, plan)
  invariant(task.type === 'task', 'what was submitted is a task')
  const draft = draftOf(task, command.at)
  beginAll(draft)
  return { type: 'accepted', events: [submitted, created, ...draft.events] }
}

const initialNames = (plan: Plan): readonly StepId[] =>
  plan.plain
    ? plan.steps.map((step) => step.name)
    : initialSegment(plan).map((index) => elementAt(plan.steps, index, 'plan steps').name)

/** What `beginAll` would decide for a plain plan: its roots are ready. A task without steps is complete. */
const firstEvents = (plan: Plan): readonly TaskEvent[] => {
  if (plan.steps.length === 0) return [{ type: 'task.completed' }]
  return plan.steps.flatMap((step): StepScheduled[] =>
    step.dependencies.length === 0 ? [{ type: 'step.scheduled', step: step.name, attempt: 1 }] : [],
  )
}

/** Optional facts that were not given are absent from the event, not undefined in it: the log's text would lose the difference. */
const submittedBy = (command: SubmitTask): TaskSubmitted => {
  const { fairnessKey } = command.plan.template
  const submitted = asGiven(command)
  if (fairnessKey === undefined) return submitted
  return { ...submitted, fairnessKey: keyText(fairnessKey, submissionRoots(submitted)) }
}

const asGiven = (command: SubmitTask): TaskSubmitted => ({
  type: 'task.submitted',
  namespace: command.namespace,
  name: command.plan.template.name,
  version: command.plan.template.version,
  templateHash: command.plan.hash,
  ...(command.plan.template.environment === undefined ? {} : { environment: command.plan.template.environment }),
  context: command.context,
  priority: command.priority,
  tags: command.tags,
  correlationId: command.correlationId,
  ...(command.parentCorrelationId === undefined ? {} : { parentCorrelationId: command.parentCorrelationId }),
  ...(command.initiator === undefined ? {} : { initiator: command.initiator }),
  ...(command.sourceSystem === undefined ? {} : { sourceSystem: command.sourceSystem }),
  ...(command.reason === undefined ? {} : { reason: command.reason }),
  ...(command.idempotencyKey === undefined ? {} : { idempotencyKey: command.idempotencyKey }),
  ...(command.identity === undefined ? {} : { identity: command.identity }),
  ...(command.runAt === undefined ? {} : { runAt: command.runAt }),
  ...(command.parent === undefined ? {} : { parent: command.parent }),
})
