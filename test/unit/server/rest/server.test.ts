/** Templates, health, metrics, documentation and the port, as their callers see them. */
import { createServer } from 'node:net'
import { DETAILED_HEALTH, HEALTH } from '@tasker/server/internal/rest/schema/operations'
import { TEMPLATE, TEMPLATE_DIFF, TEMPLATE_LIST, VALIDATION } from '@tasker/server/internal/rest/schema/template'
import { startRestServer } from '@tasker/server/internal/rest/server'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type DoorUnderTest, openDoor, ORDER_TEMPLATE } from './door-under-test.js'

let door: DoorUnderTest

beforeEach(async () => {
  door = await openDoor()
})
afterEach(() => door.stop())

const get = (url: string) => door.app.inject({ url })
const post = (url: string, payload: string, type = 'application/yaml') =>
  door.app.inject({ method: 'POST', url, payload, headers: { 'content-type': type } })

describe('templates', () => {
  test('are registered as YAML or JSON, once', async () => {
    const json =
      '{"name":"refund","namespace_name":"shop","version":"1.0.0","steps":[{"name":"pay","handler":{"callable":"Shop.Pay"}}]}'
    const first = await post('/v1/templates', json, 'application/json')
    expect(first.statusCode).toBe(201)
    expect(first.headers.location).toBe('/v1/templates/shop/refund/1.0.0')
    expect(TEMPLATE.parse(first.json())).toMatchObject({ outcome: 'registered', steps: [{ name: 'pay' }], content: json })
    const again = await post('/v1/templates', json, 'application/json')
    expect([again.statusCode, again.json<{ outcome: string }>().outcome]).toEqual([200, 'unchanged'])
  })

  test('with other content are refused, unless they are to replace', async () => {
    const changed = ORDER_TEMPLATE.replace('Two steps in a row', 'One after the other')
    expect((await post('/v1/templates', changed)).json()).toMatchObject({ status: 409, code: 'CONFLICT' })
    const replaced = await post('/v1/templates?replace=true', changed)
    expect([replaced.statusCode, replaced.json<{ outcome: string }>().outcome]).toEqual([200, 'replaced'])
  })

  test('that are no YAML are 400, that do not fit 422, with every place', async () => {
    expect((await post('/v1/templates', 'steps: [a')).json()).toMatchObject({ status: 400, reason: 'YAML_SYNTAX' })
    const bad = await post('/v1/templates', ORDER_TEMPLATE.replace('[validate]', '[validat]'))
    expect(bad.json()).toMatchObject({ status: 422, errors: [{ code: 'UNKNOWN_DEPENDENCY', line: 11 }] })
  })

  test('are checked without being registered', async () => {
    const good = VALIDATION.parse((await post('/v1/templates/validate', ORDER_TEMPLATE.replace('1.0.0', '2.0.0'))).json())
    expect(good).toMatchObject({ valid: true, errors: [], warnings: [] })
    expect(good.notes.map(({ code, path }) => `${code} ${path}`)).toEqual([
      'NO_RESULT_SCHEMA /steps/0',
      'NO_RESULT_SCHEMA /steps/1',
    ])
    expect(TEMPLATE_LIST.parse((await get('/v1/templates')).json()).templates).toHaveLength(1)
    const bad = await post('/v1/templates/validate', 'name: order')
    expect(bad.statusCode).toBe(200)
    expect(VALIDATION.parse(bad.json()).errors.map(({ code }) => code)).toContain('MISSING_FIELD')
  })

  test('tell what was taken all the same, and should be written otherwise', async () => {
    const answer = await post('/v1/templates', ORDER_TEMPLATE.replace('1.0.0', '1.1.0').concat('loaded_from: old.yaml\n'))
    expect(answer.statusCode).toBe(201)
    expect(TEMPLATE.parse(answer.json()).warnings).toMatchObject([{ code: 'LEGACY_FIELD', path: '/loaded_from' }])
  })

  test('are compared with another version, by default the latest', async () => {
    await post('/v1/templates', ORDER_TEMPLATE.replace('1.0.0', '1.1.0').replace('[validate]', '[]'))
    const answer = await get('/v1/templates/shop/order/1.0.0/diff')
    expect(TEMPLATE_DIFF.parse(answer.json())).toMatchObject({
      version: '1.0.0',
      other: '1.1.0',
      same: false,
      changes: [
        { type: 'changed', path: '/version', before: '1.0.0', after: '1.1.0' },
        { type: 'changed', path: '/steps/charge/dependencies', before: ['validate'], after: [] },
      ],
      truncated: false,
    })
    expect((await get('/v1/templates/shop/order/1.0.0/diff?other=1.0.0')).json()).toMatchObject({ same: true, changes: [] })
    expect((await get('/v1/templates/shop/order/1.0.0/diff?other=9.9.9')).statusCode).toBe(404)
  })

  test('are listed and read; what is not there is 404 with what is', async () => {
    expect((await get('/v1/templates?namespace=other')).json()).toMatchObject({ templates: [] })
    expect(TEMPLATE.parse((await get('/v1/templates/shop/order/1.0.0')).json())).toMatchObject({
      step_count: 2,
      content: ORDER_TEMPLATE,
    })
    expect((await get('/v1/templates/shop/order/latest')).statusCode).toBe(200)
    expect((await get('/v1/templates/shop/order/9.9.9')).json()).toMatchObject({
      reason: 'TEMPLATE_NOT_FOUND',
      hint: 'There are the versions 1.0.0.',
    })
    expect((await get('/v1/templates/shop/none/1.0.0')).json()).toMatchObject({ hint: 'There are the templates order.' })
    expect((await get('/v1/templates/none/none/1.0.0')).json()).toMatchObject({ hint: 'Namespaces with templates: shop.' })
  })
})

describe('health', () => {
  test('is ok when the engine is ready', async () => {
    expect(HEALTH.parse((await get('/health')).json())).toMatchObject({ status: 'ok', version: '0.1.0' })
    expect((await get('/health/ready')).statusCode).toBe(200)
    expect(DETAILED_HEALTH.parse((await get('/health/detailed')).json())).toMatchObject({ pending_commits: 3, partitions: 16 })
  })

  test('says why when it is not, and the process is still alive', async () => {
    door.trouble.quarantined = true
    const ready = await get('/health/ready')
    expect(ready.statusCode).toBe(503)
    expect(ready.json()).toMatchObject({ status: 'degraded', problems: ['the database is away'] })
    expect((await get('/health/live')).statusCode).toBe(200)
    expect((await get('/health')).statusCode).toBe(200)
  })
})

test('the page at / leads on, and every address on it answers', async () => {
  const page = await get('/')
  const addresses = [...page.body.matchAll(/href="([^"]+)"/g)].map(([, address]) => address ?? '')
  expect(addresses).toContain('/docs')
  for (const address of addresses)
    expect([address, (await get(address)).statusCode]).toEqual([
      address,
      expect.toSatisfy((status) => status === 200 || status === 302),
    ])
})

test('the settings are shown, the workers and the queues listed', async () => {
  expect((await get('/config')).json()).toEqual({ DATABASE_URL: 'postgres://tasker:***@localhost/tasker' })
  expect((await get('/v1/workers')).json()).toEqual({ workers: [] })
  expect((await get('/v1/queues')).json()).toEqual({ queues: [] })
})

test('the OpenAPI document names every route with its parameters, bodies and problems', async () => {
  const document = (await get('/openapi.json')).json<{
    openapi: string
    paths: Record<
      string,
      Record<string, { parameters?: { name: string }[]; requestBody?: object; responses: Record<string, object> }>
    >
  }>()
  expect(document.openapi).toBe('3.1.0')
  expect(Object.keys(document.paths).toSorted()).toMatchInlineSnapshot(`
    [
      "/config",
      "/health",
      "/health/detailed",
      "/health/live",
      "/health/ready",
      "/metrics",
      "/v1/analytics/bottlenecks",
      "/v1/analytics/performance",
      "/v1/archive/tasks/{task_id}",
      "/v1/audit/verify",
      "/v1/dlq",
      "/v1/dlq/entry/{entry_id}",
      "/v1/dlq/investigation-queue",
      "/v1/dlq/staleness",
      "/v1/dlq/stats",
      "/v1/dlq/task/{task_id}",
      "/v1/keys",
      "/v1/projections",
      "/v1/projections/verify",
      "/v1/projections/{name}/rebuild",
      "/v1/queues",
      "/v1/retention",
      "/v1/retention/run",
      "/v1/schedules",
      "/v1/schedules/{namespace}/{name}",
      "/v1/schedules/{namespace}/{name}/backfill",
      "/v1/schedules/{namespace}/{name}/pause",
      "/v1/schedules/{namespace}/{name}/resume",
      "/v1/schedules/{namespace}/{name}/trigger",
      "/v1/tasks",
      "/v1/tasks/bulk",
      "/v1/tasks/{task_id}",
      "/v1/tasks/{task_id}/cancel",
      "/v1/tasks/{task_id}/compensation",
      "/v1/tasks/{task_id}/diff",
      "/v1/tasks/{task_id}/events",
      "/v1/tasks/{task_id}/explain",
      "/v1/tasks/{task_id}/graph",
      "/v1/tasks/{task_id}/pause",
      "/v1/tasks/{task_id}/proof",
      "/v1/tasks/{task_id}/replay",
      "/v1/tasks/{task_id}/resolve",
      "/v1/tasks/{task_id}/result",
      "/v1/tasks/{task_id}/resume",
      "/v1/tasks/{task_id}/retry",
      "/v1/tasks/{task_id}/signals/{name}",
      "/v1/tasks/{task_id}/state",
      "/v1/tasks/{task_id}/state/{key}",
      "/v1/tasks/{task_id}/summary",
      "/v1/tasks/{task_id}/updates/{name}",
      "/v1/tasks/{task_id}/workflow_steps",
      "/v1/tasks/{task_id}/workflow_steps/{step_id}",
      "/v1/tasks/{task_id}/workflow_steps/{step_id}/audit",
      "/v1/templates",
      "/v1/templates/validate",
      "/v1/templates/{namespace}/{name}/{version}",
      "/v1/templates/{namespace}/{name}/{version}/diff",
      "/v1/workers",
    ]
  `)
  const submit = document.paths['/v1/tasks']?.['post']
  expect(JSON.stringify(submit?.requestBody)).toContain('"context":{"type":"object"')
  expect(Object.keys(submit?.responses ?? {})).toEqual(expect.arrayContaining(['200', '201', '409', '413', '422']))
  expect(document.paths['/v1/tasks']?.['get']?.parameters?.map(({ name }) => name)).toContain('consistency_token')
  expect(JSON.stringify(document.paths['/v1/templates']?.['post']?.requestBody)).toContain('application/yaml')
  expect(JSON.stringify(submit?.responses['422'])).toContain('application/problem+json')
})

test('requests are counted by route, and levels are read from the engine', async () => {
  const server = await startRestServer({ ...door.door, host: '127.0.0.1', port: 0 })
  try {
    await fetch(`http://127.0.0.1:${server.port}/v1/tasks/none`)
    const metrics = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text()
    expect(metrics).toContain('tasker_http_requests_total{method="GET",route="/v1/tasks/:task_id",status="404"} 1')
    expect(metrics).toContain('tasker_pending_commits 3')
    expect(metrics).toContain('tasker_projection_lag_seconds 0.02')
  } finally {
    await server.stop()
    await server.stop()
  }
})

test('a port that is taken is a fault that names the port and the setting', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const address = other.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  try {
    await expect(startRestServer({ ...door.door, host: '127.0.0.1', port })).rejects.toMatchObject({
      reason: 'PORT_IN_USE',
      message: `Port ${port} on 127.0.0.1, wanted for REST, is in use by another process.`,
      detail: { context: { setting: 'TASKER_REST_PORT' } },
    })
  } finally {
    other.close()
  }
})
