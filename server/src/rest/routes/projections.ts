/** `/v1/projections`: how the rows behind lists stand, building them anew, and comparing them with the log. */
import { z } from 'zod'
import { JSON_NULL, type JsonText } from '@tasker/core'
import type { ProjectionName, ProjectionStatus } from '../../engine/api.js'
import { Fault } from '../../faults.js'
import type { RestDoor } from '../door.js'
import { objectText } from '../json-text.js'
import { type App, sendJson } from '../route.js'
import { problems } from '../schema/problem.js'
import { PROJECTION, PROJECTION_LIST, VERIFICATION_STATE, VERIFY_QUERY } from '../schema/projections.js'
import { projectionsText, projectionText, verificationText } from '../views/projection-text.js'

const tags = ['operations']

export const addProjectionRoutes = (app: App, door: RestDoor): void => {
  const { projections, engine } = door
  app.get(
    '/v1/projections',
    { schema: { tags, summary: 'List the projections', response: { 200: PROJECTION_LIST, ...problems(503) } } },
    async (_, reply) => sendJson(reply, 200, projectionsText(await projections.status(), engine.health())),
  )
  app.post(
    '/v1/projections/:name/rebuild',
    {
      schema: {
        tags,
        summary: 'Build the rows of a projection anew from the log',
        description: 'Beside the rows that are read, which stay as they are until the new ones take their place. One at a time.',
        params: z.object({ name: z.string() }),
        response: { 202: PROJECTION, ...problems(404, 503) },
      },
    },
    async ({ params: { name } }, reply) => {
      const status = await projections.rebuild(name)
      if (status === undefined) throw unknownProjection(name, await projections.status())
      return sendJson(reply, 202, projectionText(status, engine.health()))
    },
  )
  addVerifyRoutes(app, door)
}

const addVerifyRoutes = (app: App, { projections }: RestDoor): void => {
  const state = (): JsonText => {
    const { verification } = projections
    return objectText({ verification: verification === undefined ? JSON_NULL : verificationText(verification) })
  }
  app.get(
    '/v1/projections/verify',
    { schema: { tags, summary: 'The last comparison that was asked for', response: { 200: VERIFICATION_STATE } } },
    async (_, reply) => sendJson(reply, 200, state()),
  )
  app.post(
    '/v1/projections/verify',
    {
      schema: {
        tags,
        summary: 'Compare the rows with the log',
        description: 'All projections, or those of `name`. Exact while tasks run; `GET` tells how far it is.',
        querystring: VERIFY_QUERY,
        response: { 202: VERIFICATION_STATE, ...problems(404, 409) },
      },
    },
    async ({ query: { name } }, reply) => {
      if (projections.verify(await namesIn(name, projections)) === 'running') throw verificationRunning()
      return sendJson(reply, 202, state())
    },
  )
}

const namesIn = async (
  asked: readonly string[],
  projections: Pick<RestDoor['projections'], 'status'>,
): Promise<readonly ProjectionName[]> => {
  if (asked.length === 0) return []
  const known = await projections.status()
  return asked.map((name) => {
    const found = known.find((one) => one.name === name)
    if (found === undefined) throw unknownProjection(name, known)
    return found.name
  })
}

const unknownProjection = (name: string, known: readonly ProjectionStatus[]): Fault =>
  new Fault({
    code: 'NOT_FOUND',
    reason: 'PROJECTION_NOT_FOUND',
    message: `There is no projection ${name}.`,
    hint: `There are ${known.map((one) => one.name).join(', ')}.`,
  })

const verificationRunning = (): Fault =>
  new Fault({
    code: 'CONFLICT',
    reason: 'VERIFICATION_RUNNING',
    message: 'The rows are being compared with the log already.',
    hint: '`GET /v1/projections/verify` tells how far that is.',
    retryable: true,
  })
