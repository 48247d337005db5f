/** `/v1/schedules`: what starts tasks by the clock. */
import { LIMITS, namespaceOf } from '@tasker/core'
import type { FastifyReply } from 'fastify'
import type { ScheduleOrder } from '../../engine/api.js'
import { Fault } from '../../faults.js'
import type { BodyRules } from '../body/rules.js'
import type { RestDoor } from '../door.js'
import { REST_LIMITS } from '../limits.js'
import { ANONYMOUS, type App, sendJson } from '../route.js'
import { problems } from '../schema/problem.js'
import {
  definitionOf,
  SCHEDULE,
  SCHEDULE_BACKFILL,
  SCHEDULE_CREATION,
  SCHEDULE_EDIT,
  SCHEDULE_GONE,
  SCHEDULE_LIST,
  SCHEDULE_NOTE,
  SCHEDULE_PATH,
  SCHEDULE_QUERY,
} from '../schema/schedule.js'
import { scheduleListText, scheduleText } from '../views/schedule-text.js'

const DEFINITION_BODY: BodyRules = {
  form: 'json',
  bytesMax: LIMITS.contextBytesMax + REST_LIMITS.submissionOverheadBytesMax,
  optional: false,
  raw: { member: 'context', bytesMax: LIMITS.contextBytesMax, tooLarge: 'CONTEXT_TOO_LARGE' },
}
const ORDER_BODY: BodyRules = { form: 'json', bytesMax: REST_LIMITS.commandBytesMax, optional: true }

const TAGS = ['schedules']
const ONE = '/v1/schedules/:namespace/:name'

interface Path {
  readonly namespace: string
  readonly name: string
}

export const addScheduleRoutes = (app: App, door: RestDoor): void => {
  addReads(app, door)
  addDefinitions(app, door)
  addPauses(app, door)
  addFirings(app, door)
}

const addReads = (app: App, { engine }: RestDoor): void => {
  app.get(
    '/v1/schedules',
    {
      schema: {
        tags: TAGS,
        summary: 'List schedules, by namespace and name',
        querystring: SCHEDULE_QUERY,
        response: { 200: SCHEDULE_LIST },
      },
    },
    async ({ query: { namespace } }, reply) =>
      sendJson(reply, 200, scheduleListText(engine.schedules.list(namespace === undefined ? undefined : namespaceOf(namespace)))),
  )
  app.get(
    ONE,
    {
      schema: {
        tags: TAGS,
        summary: 'Read a schedule: its next and last firings, and what it left out',
        params: SCHEDULE_PATH,
        response: { 200: SCHEDULE, ...problems(404) },
      },
    },
    async ({ params }, reply) => {
      const info = engine.schedules.get(namespaceOf(params.namespace), params.name)
      if (info === undefined) throw notFound(params)
      return sendJson(reply, 200, scheduleText(info))
    },
  )
}

const addDefinitions = (app: App, door: RestDoor): void => {
  app.post(
    '/v1/schedules',
    {
      config: { body: DEFINITION_BODY },
      schema: {
        tags: TAGS,
        summary: 'Create a schedule',
        description: 'A repeat with the same definition changes nothing.',
        body: SCHEDULE_CREATION,
        response: { 201: SCHEDULE, 200: SCHEDULE.describe('It was there.'), ...problems(400, 404, 409, 413, 422, 503) },
      },
    },
    async ({ body }, reply) => {
      const pausedNote = body.paused === true ? (body.note ?? '') : undefined
      return ordered(door, reply, body, { type: 'create', definition: definitionOf(body), pausedNote })
    },
  )
  app.put(
    ONE,
    {
      config: { body: DEFINITION_BODY },
      schema: {
        tags: TAGS,
        summary: 'Give a schedule another definition',
        description: 'The whole of it. Times that have passed are not decided about again.',
        params: SCHEDULE_PATH,
        body: SCHEDULE_EDIT,
        response: { 200: SCHEDULE, ...problems(400, 404, 409, 413, 422, 503) },
      },
    },
    async ({ params, body }, reply) => ordered(door, reply, params, { type: 'edit', definition: definitionOf(body) }),
  )
  app.delete(
    ONE,
    {
      schema: {
        tags: TAGS,
        summary: 'Delete a schedule',
        description: 'Tasks that it started go on.',
        params: SCHEDULE_PATH,
        response: { 204: SCHEDULE_GONE, ...problems(404, 503) },
      },
    },
    async ({ params }, reply) => ordered(door, reply, params, { type: 'delete' }),
  )
}

const addPauses = (app: App, door: RestDoor): void => {
  for (const [type, summary] of [
    ['pause', 'Pause a schedule, with a note'],
    ['resume', 'Resume a paused schedule; the times of the pause are not made up for'],
  ] as const) {
    app.post(
      `${ONE}/${type}`,
      {
        config: { body: ORDER_BODY },
        schema: {
          tags: TAGS,
          summary,
          params: SCHEDULE_PATH,
          body: SCHEDULE_NOTE,
          response: { 200: SCHEDULE, ...problems(400, 404, 422, 503) },
        },
      },
      async ({ params, body }, reply) => ordered(door, reply, params, { type, note: body?.note ?? '' }),
    )
  }
}

const addFirings = (app: App, door: RestDoor): void => {
  app.post(
    `${ONE}/trigger`,
    {
      config: { body: ORDER_BODY },
      schema: {
        tags: TAGS,
        summary: 'Fire now, whatever runs, paused or not',
        params: SCHEDULE_PATH,
        response: { 200: SCHEDULE, ...problems(404, 409, 503) },
      },
    },
    async ({ params }, reply) => ordered(door, reply, params, { type: 'trigger' }),
  )
  app.post(
    `${ONE}/backfill`,
    {
      config: { body: { ...ORDER_BODY, optional: false } },
      schema: {
        tags: TAGS,
        summary: 'Fire the times of a range of the past',
        description: 'One task after another unless firings may overlap. A time that has its task already gets no second one.',
        params: SCHEDULE_PATH,
        body: SCHEDULE_BACKFILL,
        response: { 200: SCHEDULE, ...problems(400, 404, 409, 422, 503) },
      },
    },
    async ({ params, body }, reply) => ordered(door, reply, params, { type: 'backfill', fromAt: body.from, untilAt: body.until }),
  )
}

const ordered = async ({ engine }: RestDoor, reply: FastifyReply, path: Path, order: ScheduleOrder): Promise<FastifyReply> => {
  const answer = await engine.schedules.order(namespaceOf(path.namespace), path.name, order, ANONYMOUS)
  if (answer.type === 'failed') throw new Fault(answer.fault)
  if (answer.info === undefined) return reply.code(204).send()
  if (order.type !== 'create') return sendJson(reply, 200, scheduleText(answer.info))
  reply.header('location', `/v1/schedules/${encodeURIComponent(path.namespace)}/${encodeURIComponent(path.name)}`)
  return sendJson(reply, answer.changed ? 201 : 200, scheduleText(answer.info))
}

const notFound = ({ namespace, name }: Path): Fault =>
  new Fault({
    code: 'NOT_FOUND',
    reason: 'SCHEDULE_NOT_FOUND',
    message: `There is no schedule ${namespace}/${name}.`,
    hint: 'List them with: tasker schedule list',
  })
