/** Reads of one task, strongly consistent: the task, its summary and its graph. */
import { type ChildGraph, familyMermaid, graphView, taskStatus, trustedJson } from '@tasker/core'
import { type Descendant, familyOf } from '../../query/family.js'
import type { RestDoor } from '../door.js'
import { type App, readTask, sendJson, sendText } from '../route.js'
import { problems } from '../schema/problem.js'
import { GRAPH, GRAPH_QUERY, MOMENT_QUERY, TASK, TASK_PATH, TASK_SUMMARY } from '../schema/task.js'
import { asOf } from '../views/as-of.js'
import { taskSummaryText, taskText } from '../views/task-text.js'

export const addReadRoutes = (app: App, door: RestDoor): void => {
  const reading = (summary: string) => ({ tags: ['tasks'], summary, params: TASK_PATH })

  app.get(
    '/v1/tasks/:task_id',
    {
      schema: {
        ...reading('Read a task with its context, steps and outputs, now or as of a moment'),
        querystring: MOMENT_QUERY,
        response: { 200: TASK, ...problems(404, 409, 422, 503) },
      },
    },
    async ({ params, query }, reply) => sendJson(reply, 200, taskText(await readTask(door, params.task_id, query))),
  )
  app.get(
    '/v1/tasks/:task_id/summary',
    { schema: { ...reading('Read a task without payloads'), response: { 200: TASK_SUMMARY, ...problems(404, 503) } } },
    async ({ params }, reply) => sendJson(reply, 200, taskSummaryText(await readTask(door, params.task_id))),
  )
  addGraphRoute(app, door)
}

const MERMAID_TYPE = 'text/vnd.mermaid'

const addGraphRoute = (app: App, door: RestDoor): void => {
  app.get(
    '/v1/tasks/:task_id/graph',
    {
      schema: {
        tags: ['tasks'],
        summary: 'The graph of a task with the state of its steps, and of the tasks that it began',
        description: `JSON, or Mermaid text with \`format=mermaid\` or the header \`Accept: ${MERMAID_TYPE}\`.`,
        params: TASK_PATH,
        querystring: GRAPH_QUERY,
        response: { 200: GRAPH, ...problems(404, 422, 503) },
      },
    },
    async ({ params, query, headers }, reply) => {
      const snapshot = await readTask(door, params.task_id, query)
      const { state, taskId } = snapshot
      const view = graphView(state.plan, state)
      const { descendants, isCut } = await familyOf(door.engine, snapshot)
      const format = query.format ?? (headers.accept?.includes('mermaid') === true ? 'mermaid' : 'json')
      if (format === 'mermaid')
        return sendText(reply, `${MERMAID_TYPE}; charset=utf-8`, familyMermaid(taskId, view, descendants.map(childGraph)))
      const children = descendants.map((one) => childView(childGraph(one)))
      return sendJson(reply, 200, trustedJson(JSON.stringify({ ...view, children, children_cut: isCut, as_of: asOf(snapshot) })))
    },
  )
}

const childGraph = ({ child, parent, state }: Descendant): ChildGraph => ({
  taskId: child.taskId,
  parent,
  step: child.step,
  key: child.key,
  name: child.name,
  status: state && taskStatus(state),
  view: state && graphView(state.plan, state),
})

const childView = ({ taskId, parent, step, key, name, status, view }: ChildGraph) => ({
  task_id: taskId,
  parent_task_id: parent,
  parent_step_id: step,
  key,
  name,
  status: status ?? null,
  nodes: view?.nodes ?? [],
  edges: view?.edges ?? [],
})
