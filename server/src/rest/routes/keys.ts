/** `GET /v1/keys`: which keys hold steps up, who has their places, and how many wait. */
import { z } from 'zod'
import { instantText, type JsonText, jsonOf } from '@tasker/core'
import type { KeyInfo } from '../../engine/api.js'
import type { RestDoor } from '../door.js'
import { arrayText, objectText } from '../json-text.js'
import { type App, sendJson } from '../route.js'

const KEY_LIST = z.object({
  keys: z.array(
    z.object({
      namespace: z.string(),
      kind: z.enum(['concurrency', 'rate']),
      key: z.string(),
      limit: z.number().int().describe('Places in all.'),
      per_ms: z.number().int().nullable().describe('How long a place of a rate is taken, from the start of its attempt on.'),
      held: z.number().int().describe('Places that are taken.'),
      waiting: z.number().int().describe('Steps that wait for a place.'),
      holders: z
        .array(
          z.object({
            task_id: z.string(),
            step_id: z.string(),
            attempt: z.number().int(),
            granted_at: z.iso.datetime(),
            free_at: z.iso.datetime().nullable(),
          }),
        )
        .describe('The first hundred of who has a place.'),
    }),
  ),
})

const QUERY = z.strictObject({ namespace: z.string().optional(), kind: z.enum(['concurrency', 'rate']).optional() })

export const addKeyRoutes = (app: App, { engine }: RestDoor): void => {
  app.get(
    '/v1/keys',
    {
      schema: {
        tags: ['operations'],
        summary: 'List the keys that have a holder, or that a step waits for',
        querystring: QUERY,
        response: { 200: KEY_LIST },
      },
    },
    async ({ query: { namespace, kind } }, reply) => {
      const shown = engine
        .keys()
        .filter((key) => (namespace === undefined || key.namespace === namespace) && (kind === undefined || key.kind === kind))
      return sendJson(reply, 200, objectText({ keys: arrayText(shown.map(keyText)) }))
    },
  )
}

const keyText = (key: KeyInfo): JsonText =>
  jsonOf({
    namespace: key.namespace,
    kind: key.kind,
    key: key.key,
    limit: key.limit,
    per_ms: key.perMs ?? null,
    held: key.held,
    waiting: key.waiting,
    holders: key.holders.map((holder) => ({
      task_id: holder.taskId,
      step_id: holder.step,
      attempt: holder.attempt,
      granted_at: instantText(holder.grantedAt),
      free_at: holder.freeAt === undefined ? null : instantText(holder.freeAt),
    })),
  })
