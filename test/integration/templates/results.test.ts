/** The schema of a result, through a real worker; what is seen of it over REST and gRPC. */
import { defineStep } from '@tasker/sdk'
import type { DiffTemplatesResponse, RegisterResponse, ValidateTemplateResponse } from '@tasker/proto'
import { TASK } from '@tasker/server/internal/rest/schema/task'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerOf, type Ground, openGround } from './ground.js'

const ORDER = `
name: order
namespace_name: shop
version: 1.0.0
steps:
  - name: charge
    handler: { callable: Shop.Charge }
    result_schema:
      type: object
      required: [receipt, total]
      properties: { receipt: { type: string }, total: { type: number, minimum: 0 } }
  - name: ship
    handler: { callable: Shop.Ship }
    dependencies: [charge]
`

let ground: Ground

beforeAll(async () => {
  ground = await openGround()
  expect(await ground.rest('/v1/templates', ORDER)).toMatchObject({ status: 201 })
  ground.work([
    defineStep('Shop.Charge', ({ input }) => input['result']),
    defineStep('Shop.Ship', ({ deps }) => ({ shipped: deps })),
  ])
})
afterAll(() => ground.close())

const outcome = async (result: unknown) => {
  const { body } = await ground.rest('/v1/tasks', { namespace: 'shop', name: 'order', context: { result } })
  const { task_id } = TASK.parse(body)
  await ground.rest(`/v1/tasks/${task_id}/result?wait_seconds=20`)
  return TASK.parse((await ground.rest(`/v1/tasks/${task_id}`)).body)
}

test('a result that fits goes on to the next step', async () => {
  const task = await outcome({ receipt: 'R-1', total: 12.5 })
  expect(task).toMatchObject({ status: 'complete', result: { ship: { shipped: { charge: { receipt: 'R-1', total: 12.5 } } } } })
})

test('a result that does not fit fails its step for good, with the failing places, whatever the policy would allow', async () => {
  const task = await outcome({ total: -1 })
  expect(task.status).toBe('blocked_by_failures')
  expect(task.steps[0]).toMatchObject({
    status: 'error',
    attempts: 1,
    last_failure: { code: 'RESULT_SCHEMA_MISMATCH', error_type: 'ResultError', retryable: false },
  })
  expect(task.steps[0]?.last_failure?.message).toContain("/receipt must have required property 'receipt'; /total must be >= 0")
  expect(task.steps[1]).toMatchObject({ status: 'pending', attempts: 0 })
})

test('over gRPC a template is checked, registered with its warnings, and compared', async () => {
  const { templates } = ground.clients
  const bad = await answerOf<ValidateTemplateResponse>((done) =>
    templates.validateTemplate({ content: ORDER.replace('[charge]', '[charg]').replace('type: number', 'type: amount') }, done),
  )
  expect(bad).toMatchObject({
    valid: false,
    errors: [
      { code: 'BAD_SCHEMA', line: 11 },
      { code: 'UNKNOWN_DEPENDENCY', line: 14 },
    ],
  })
  const next = ORDER.replace('1.0.0', '1.1.0').replace('minimum: 0', 'minimum: 1').concat('loaded_from: here\n')
  expect(await answerOf<ValidateTemplateResponse>((done) => templates.validateTemplate({ content: next }, done))).toMatchObject({
    valid: true,
    errors: [],
    warnings: [{ code: 'LEGACY_FIELD', path: '/loaded_from' }],
    notes: [{ code: 'NO_RESULT_SCHEMA', path: '/steps/1' }],
  })
  const registered = await answerOf<RegisterResponse>((done) => templates.register({ content: next, replace: false }, done))
  expect(registered).toMatchObject({ unchanged: false, warnings: [{ code: 'LEGACY_FIELD' }] })
  const diff = await answerOf<DiffTemplatesResponse>((done) =>
    templates.diffTemplates({ namespace: 'shop', name: 'order', version: '1.0.0', other: '' }, done),
  )
  expect(diff).toMatchObject({ same: false, other: { version: '1.1.0' }, truncated: false })
  expect(diff.changes.map(({ path, beforeJson, afterJson }) => `${path} ${beforeJson} ${afterJson}`)).toEqual([
    '/version "1.0.0" "1.1.0"',
    '/steps/charge/result_schema/properties/total/minimum 0 1',
    '/loaded_from  "here"',
  ])
})
