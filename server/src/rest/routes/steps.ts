/** The steps of a task: read, audited, and reset, resolved or completed by hand. */
import { elementAt, existingSteps, jsonOf, type JsonText, LIMITS, type StepId, stepId, trustedJson } from '@tasker/core'
import type { z } from 'zod'
import type { TaskOrder, TaskSnapshot } from '../../engine/api.js'
import { readStepAudit } from '../../operators/step-audit.js'
import { Fault } from '../../faults.js'
import type { BodyRules } from '../body/rules.js'
import type { RestDoor } from '../door.js'
import { arrayText, objectText } from '../json-text.js'
import { REST_LIMITS } from '../limits.js'
import { refusalDetail } from '../problem.js'
import { ANONYMOUS, type App, readTask, sendJson, withToken } from '../route.js'
import { problems } from '../schema/problem.js'
import { AUDIT_QUERY, STEP_ACTION, STEP_AUDIT } from '../schema/step.js'
import { MOMENT_QUERY, STEP, STEP_LIST, STEP_PATH, STEPS_QUERY, TASK_PATH } from '../schema/task.js'
import { auditText } from '../views/audit-text.js'
import { completionOf } from '../body/completion.js'
import { asOfMember, stepText } from '../views/task-text.js'

/** All members beside the completion are short. */
const BODY: BodyRules = {
  form: 'json',
  bytesMax: 2 * LIMITS.resultBytesMax + REST_LIMITS.commandBytesMax,
  optional: false,
  raw: { member: 'completion_data', bytesMax: 2 * LIMITS.resultBytesMax, tooLarge: 'RESULT_TOO_LARGE' },
}

export const addStepRoutes = (app: App, door: RestDoor): void => {
  app.get(
    '/v1/tasks/:task_id/workflow_steps',
    {
      schema: {
        tags: ['steps'],
        summary: 'List the steps of a task, now or as of a moment',
        params: TASK_PATH,
        querystring: STEPS_QUERY,
        response: { 200: STEP_LIST, ...problems(404, 422, 503) },
      },
    },
    async ({ params, query }, reply) => {
      const snapshot = await readTask(door, params.task_id, query)
      const { state, keyLines } = snapshot
      const all = existingSteps(state)
      const start = query.cursor ?? 0
      const end = start + (query.limit ?? all.length)
      const steps = arrayText(all.slice(start, end).map((index) => stepText(state, index, keyLines)))
      const next = jsonOf(end < all.length ? String(end) : null)
      return sendJson(reply, 200, objectText({ steps, next_cursor: next, ...asOfMember(snapshot) }))
    },
  )
  app.get(
    '/v1/tasks/:task_id/workflow_steps/:step_id',
    {
      schema: {
        tags: ['steps'],
        summary: 'Read one step of a task, now or as of a moment',
        params: STEP_PATH,
        querystring: MOMENT_QUERY,
        response: { 200: STEP, ...problems(404, 422, 503) },
      },
    },
    async ({ params, query }, reply) => {
      const task = await readTask(door, params.task_id, query)
      return sendJson(reply, 200, stepText(task.state, indexIn(task, params.step_id), task.keyLines))
    },
  )
  addActionRoute(app, door)
  addAuditRoute(app, door)
}

const addActionRoute = (app: App, door: RestDoor): void => {
  app.patch(
    '/v1/tasks/:task_id/workflow_steps/:step_id',
    {
      config: { body: BODY },
      schema: {
        tags: ['steps'],
        summary: 'Reset, resolve or complete a step by hand',
        description:
          'The task goes on by itself, also out of its block. A running attempt of a step that is resolved or completed is taken from its worker.',
        params: STEP_PATH,
        body: STEP_ACTION,
        response: { 200: STEP, ...problems(400, 404, 409, 413, 422, 503) },
      },
    },
    async ({ params, body }, reply) => {
      const { taskId } = await readTask(door, params.task_id)
      const step = stepId(params.step_id)
      const answer = await door.engine.order(taskId, orderOf(body, step), ANONYMOUS)
      if (answer.type === 'refused') throw new Fault(refusalDetail(answer.refusal))
      if (answer.type === 'failed') throw new Fault(answer.fault)
      const task = await readTask(door, params.task_id)
      return sendJson(withToken(reply, answer.token), 200, stepText(task.state, indexIn(task, params.step_id), task.keyLines))
    },
  )
}

const orderOf = (body: z.output<typeof STEP_ACTION>, step: StepId): TaskOrder => {
  const said = (by: string | undefined) => ({
    ...(body.reason === undefined ? {} : { reason: body.reason }),
    ...(by === undefined ? {} : { by }),
  })
  switch (body.action_type) {
    case 'reset_for_retry':
      return { type: 'reset_step', step, ...said(body.reset_by) }
    case 'resolve_manually':
      return { type: 'resolve_step', step, ...said(body.resolved_by) }
    case 'complete_manually': {
      const { result, metadata } = completionOf(body.completion_data)
      return { type: 'complete_step', step, output: result, ...(metadata && { metadata }), ...said(body.completed_by) }
    }
  }
}

const addAuditRoute = (app: App, door: RestDoor): void => {
  app.get(
    '/v1/tasks/:task_id/workflow_steps/:step_id/audit',
    {
      schema: {
        tags: ['steps'],
        summary: 'Every change of the state of a step, from the history',
        params: STEP_PATH,
        querystring: AUDIT_QUERY,
        response: { 200: STEP_AUDIT, ...problems(404, 422, 503) },
      },
    },
    async ({ params, query }, reply) => {
      const task = await readTask(door, params.task_id)
      indexIn(task, params.step_id)
      const step = stepId(params.step_id)
      const page = await readStepAudit(door.engine, task, step, { afterVersion: query.cursor ?? 0, limit: query.limit })
      const entries = page.entries.map((entry): JsonText => auditText(task, step, entry))
      const next = page.nextAfterVersion === undefined ? 'null' : `"${page.nextAfterVersion}"`
      return sendJson(reply, 200, objectText({ entries: arrayText(entries), next_cursor: trustedJson(next) }))
    },
  )
}

/** The index of a step in the task; throws `UNKNOWN_STEP`. */
const indexIn = ({ state }: TaskSnapshot, step: string): number => {
  const index = state.graph.indexOf.get(stepId(step))
  const known = existingSteps(state)
  if (index !== undefined && known.includes(index)) return index
  throw stepNotFound(
    step,
    known.map((one) => elementAt(state.graph.steps, one, 'steps of the graph').name),
  )
}

const STEPS_NAMED_MAX = 20

const stepNotFound = (step: string, known: readonly string[]): Fault =>
  new Fault({
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_STEP',
    message: `The task has no step ${step.slice(0, LIMITS.nameCharsMax)}.`,
    hint: `Its steps: ${known.slice(0, STEPS_NAMED_MAX).join(', ')}${known.length > STEPS_NAMED_MAX ? ', …' : ''}.`,
  })
