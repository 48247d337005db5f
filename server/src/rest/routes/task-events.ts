/** `GET /v1/tasks/{id}/events`: the history page by page, or live as server-sent events. */
import { jsonOf } from '@tasker/core'
import type { RestDoor } from '../door.js'
import { arrayText, objectText, textOrNull } from '../json-text.js'
import { type App, readTask, sendJson } from '../route.js'
import { problems } from '../schema/problem.js'
import { EVENT_LIST, EVENTS_QUERY, TASK_PATH } from '../schema/task.js'
import { eventText } from '../views/event-text.js'
import type { EventStreams } from '../stream/event-streams.js'

const EVENT_STREAM = 'text/event-stream'
const VERSION = /^\d{1,15}$/

export const addEventsRoute = (app: App, door: RestDoor, streams: EventStreams): void => {
  app.get(
    '/v1/tasks/:task_id/events',
    {
      schema: {
        tags: ['tasks'],
        summary: 'The history of a task, or its events live',
        description:
          'With `Accept: text/event-stream`: what is there, then live until the end of the task. `id` is the version and `data` the event; ' +
          '`Last-Event-ID` goes on behind a version; 204 when nothing will come any more.',
        params: TASK_PATH,
        querystring: EVENTS_QUERY,
        response: { 200: EVENT_LIST, ...problems(404, 422, 503) },
      },
    },
    async ({ params, query, headers, method }, reply) => {
      const { taskId, version, state } = await readTask(door, params.task_id)
      const after = query.cursor ?? query.after_version ?? 0
      if (headers.accept?.includes(EVENT_STREAM) === true && method === 'GET') {
        const from = resumedAt(headers['last-event-id']) ?? after
        return streams.open({ reply, taskId, afterVersion: from, over: state.endedAt !== undefined && from >= version })
      }
      const events = await door.engine.history(taskId, after, query.limit)
      const last = events.at(-1)?.version ?? version
      const next = last < version ? String(last) : undefined
      return sendJson(
        reply,
        200,
        objectText({
          events: arrayText(events.map((event) => eventText(taskId, event))),
          next_cursor: textOrNull(next),
          stream_version: jsonOf(version),
        }),
      )
    },
  )
}

const resumedAt = (header: string | readonly string[] | undefined): number | undefined =>
  typeof header === 'string' && VERSION.test(header) ? Number(header) : undefined
