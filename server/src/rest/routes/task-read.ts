/** Reads of one task, strongly consistent: the task, its summary, its steps and its graph. */
import {
  elementAt,
  existingSteps,
  graphMermaid,
  graphView,
  jsonOf,
  LIMITS,
  type LiveTask,
  stepId,
  trustedJson,
} from '@tasker/core'
import { Fault } from '../../faults.js'
import type { RestDoor } from '../door.js'
import { arrayText, objectText } from '../json-text.js'
import { type App, readTask, sendJson, sendText } from '../route.js'
import { problems } from '../schema/problem.js'
import { GRAPH, GRAPH_QUERY, STEP, STEP_LIST, STEP_PATH, TASK, TASK_PATH, TASK_SUMMARY } from '../schema/task.js'
import { stepText, taskSummaryText, taskText } from '../views/task-text.js'

export const addReadRoutes = (app: App, door: RestDoor): void => {
  const reading = (summary: string) => ({ tags: ['tasks'], summary, params: TASK_PATH })

  app.get(
    '/v1/tasks/:task_id',
    { schema: { ...reading('Read a task with its context, steps and outputs'), response: { 200: TASK, ...problems(404, 503) } } },
    async ({ params }, reply) => sendJson(reply, 200, taskText(await readTask(door, params.task_id))),
  )
  app.get(
    '/v1/tasks/:task_id/summary',
    { schema: { ...reading('Read a task without payloads'), response: { 200: TASK_SUMMARY, ...problems(404, 503) } } },
    async ({ params }, reply) => sendJson(reply, 200, taskSummaryText(await readTask(door, params.task_id))),
  )
  app.get(
    '/v1/tasks/:task_id/workflow_steps',
    { schema: { ...reading('List the steps of a task'), response: { 200: STEP_LIST, ...problems(404, 503) } } },
    async ({ params }, reply) => {
      const { state, keyLines } = await readTask(door, params.task_id)
      const steps = arrayText(existingSteps(state).map((index) => stepText(state, index, keyLines)))
      return sendJson(reply, 200, objectText({ steps, next_cursor: jsonOf(null) }))
    },
  )
  addStepRoute(app, door)
  addGraphRoute(app, door)
}

const addStepRoute = (app: App, door: RestDoor): void => {
  app.get(
    '/v1/tasks/:task_id/workflow_steps/:step_id',
    {
      schema: {
        tags: ['tasks'],
        summary: 'Read one step of a task',
        params: STEP_PATH,
        response: { 200: STEP, ...problems(404, 503) },
      },
    },
    async ({ params }, reply) => {
      const { state, keyLines } = await readTask(door, params.task_id)
      const index = state.graph.indexOf.get(stepId(params.step_id))
      const known = existingSteps(state)
      if (index === undefined || !known.includes(index)) throw stepNotFound(params.step_id, namesOf(state, known))
      return sendJson(reply, 200, stepText(state, index, keyLines))
    },
  )
}

const namesOf = (state: LiveTask, indexes: readonly number[]): readonly string[] =>
  indexes.map((index) => elementAt(state.graph.steps, index, 'steps of the graph').name)

const STEPS_NAMED_MAX = 20

const stepNotFound = (step: string, known: readonly string[]): Fault =>
  new Fault({
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_STEP',
    message: `The task has no step ${step.slice(0, LIMITS.nameCharsMax)}.`,
    hint: `Its steps: ${known.slice(0, STEPS_NAMED_MAX).join(', ')}${known.length > STEPS_NAMED_MAX ? ', …' : ''}.`,
  })

const MERMAID_TYPE = 'text/vnd.mermaid'

const addGraphRoute = (app: App, door: RestDoor): void => {
  app.get(
    '/v1/tasks/:task_id/graph',
    {
      schema: {
        tags: ['tasks'],
        summary: 'The graph of a task with the state of its steps',
        description: `JSON, or Mermaid text with \`format=mermaid\` or the header \`Accept: ${MERMAID_TYPE}\`.`,
        params: TASK_PATH,
        querystring: GRAPH_QUERY,
        response: { 200: GRAPH, ...problems(404, 422, 503) },
      },
    },
    async ({ params, query, headers }, reply) => {
      const { state } = await readTask(door, params.task_id)
      const view = graphView(state.plan, state)
      const format = query.format ?? (headers.accept?.includes('mermaid') === true ? 'mermaid' : 'json')
      if (format === 'mermaid') return sendText(reply, `${MERMAID_TYPE}; charset=utf-8`, graphMermaid(view))
      return sendJson(reply, 200, trustedJson(JSON.stringify(view)))
    },
  )
}
