/** `GET /v1/audit/verify` and the proof of a task. */
import { trustedJson } from '@tasker/core'
import { parsePosition, positionText } from '../../audit/position.js'
import { PROOF } from '../../audit/proof.js'
import type { VerifyReport } from '../../audit/verify.js'
import type { RestDoor } from '../door.js'
import { type App, sendJson, taskIdIn, taskNotFound } from '../route.js'
import { VERIFY, VERIFY_QUERY } from '../schema/audit.js'
import { problems } from '../schema/problem.js'
import { TASK_PATH } from '../schema/task.js'

export const addAuditRoutes = (app: App, door: RestDoor): void => {
  const tags = ['audit']
  app.get(
    '/v1/audit/verify',
    {
      schema: {
        tags,
        summary: 'Whether the log is what was written, a bounded stretch of it',
        description:
          'Walks chains, places and seals from a position on and says the first bad place; repeat with `next` until it is null.',
        querystring: VERIFY_QUERY,
        response: { 200: VERIFY, ...problems(422, 503) },
      },
    },
    async ({ query }, reply) => {
      const from = query.from === undefined ? undefined : parsePosition(query.from)
      return sendJson(reply, 200, trustedJson(JSON.stringify(reportJson(await door.audit.verify(from, query.limit)))))
    },
  )
  app.get(
    '/v1/tasks/:task_id/proof',
    {
      schema: {
        tags: ['tasks', ...tags],
        summary: 'A proof of the task that checks offline',
        description: 'All commits of the task and what leads from them to signed seals; what is not sealed yet is sealed first.',
        params: TASK_PATH,
        response: { 200: PROOF, ...problems(404, 409, 503) },
      },
    },
    async ({ params }, reply) => {
      const proof = await door.audit.proof(taskIdIn(params.task_id))
      if (proof === undefined) throw taskNotFound(params.task_id)
      return sendJson(reply, 200, trustedJson(JSON.stringify(proof)))
    },
  )
}

const reportJson = ({ finding, commits, seals, unsealed, next }: VerifyReport) => {
  const { at, toSeq, ...more } = finding ?? {}
  return {
    ok: finding === undefined,
    commits,
    seals,
    unsealed,
    next: next === undefined ? null : positionText(next),
    finding: at === undefined ? null : { ...more, at: positionText(at), ...(toSeq === undefined ? {} : { to_seq: toSeq }) },
  }
}
