/** Overrides by environment and replaced contents, seen by a real worker: tasks keep what they were submitted under. */
import { defineStep } from '@tasker/sdk'
import type { GetResponse } from '@tasker/proto'
import { TASK } from '@tasker/server/internal/rest/schema/task'
import { TEMPLATE } from '@tasker/server/internal/rest/schema/template'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerOf, type Ground, openGround } from './ground.js'

const MAIL = `
name: mail
namespace_name: shop
version: 1.0.0
steps:
  - name: render
    handler: { callable: Mail.Render, initialization: { layout: { wide: true, logo: grey }, lists: [1] } }
  - name: send
    handler: { callable: Mail.Send, initialization: { server: localhost } }
    dependencies: [render]
    retry: { max_attempts: 1 }
environments:
  production:
    steps:
      - { name: ALL, retry: { max_attempts: 10 } }
      - { name: render, handler: { initialization: { layout: { logo: gold }, lists: [2, 3] } } }
      - { name: send, handler: { initialization: { server: mail.example.org } }, timeout_seconds: 20 }
`

const HANDLERS = [defineStep('Mail.Render', ({ config }) => config), defineStep('Mail.Send', ({ config }) => config)]

let ground: Ground

beforeAll(async () => {
  ground = await openGround({ TASKER_ENV: 'production' })
  expect(await ground.rest('/v1/templates', MAIL)).toMatchObject({ status: 201 })
})
afterAll(() => ground.close())

const submitted = async (name = 'mail') =>
  TASK.parse((await ground.rest('/v1/tasks', { namespace: 'shop', name, context: {} })).body)

const outcome = async (taskId: string) => {
  await ground.rest(`/v1/tasks/${taskId}/result?wait_seconds=20`)
  return TASK.parse((await ground.rest(`/v1/tasks/${taskId}`)).body)
}

const outputs = ({ steps }: Awaited<ReturnType<typeof outcome>>) => steps.map(({ output }) => output)

const PRODUCTION = [{ layout: { wide: true, logo: 'gold' }, lists: [2, 3] }, { server: 'mail.example.org' }]
const AS_WRITTEN = [{ layout: { wide: true, logo: 'grey' }, lists: [1] }, { server: 'localhost' }]

test('a task runs by the overrides of the environment it was submitted under, also when it is run under another', async () => {
  const [before, waiting] = [await submitted(), await submitted()]
  expect(before.environment).toBe('production')
  expect(before.steps).toMatchObject([
    { max_attempts: 10, timeout_ms: 60_000 },
    { max_attempts: 10, timeout_ms: 20_000 },
  ])
  expect(TEMPLATE.parse((await ground.rest('/v1/templates/shop/mail/1.0.0')).body)).toMatchObject({
    environment: 'production',
    steps: [{ max_attempts: 10 }, { max_attempts: 10 }],
  })
  ground.work(HANDLERS)
  expect(outputs(await outcome(before.task_id))).toEqual(PRODUCTION)
  await ground.restart({ TASKER_ENV: 'development' })
  const later = await submitted()
  expect([later.environment, waiting.template_hash === later.template_hash]).toEqual([null, false])
  ground.work(HANDLERS)
  expect(outputs(await outcome(waiting.task_id))).toEqual(PRODUCTION)
  expect(outputs(await outcome(later.task_id))).toEqual(AS_WRITTEN)
  const { task } = await answerOf<GetResponse>((done) => ground.clients.tasks.get({ taskId: waiting.task_id }, done))
  expect(task).toMatchObject({ environment: 'production', templateHash: waiting.template_hash })
})

test('a running task stays on the content it was submitted with, whatever replaces it, also after a restart', async () => {
  const text = (steps: string): string => `
name: pinned
namespace_name: shop
version: 1.0.0
steps:
${steps}`
  const old = text(
    '  - { name: one, handler: { callable: Pin.One } }\n  - { name: two, handler: { callable: Pin.Two }, dependencies: [one] }\n',
  )
  const fresh = text('  - { name: only, handler: { callable: Pin.Only } }\n')
  const handlers = ['One', 'Two', 'Only'].map((name) => defineStep(`Pin.${name}`, () => name))
  expect(await ground.rest('/v1/templates', old)).toMatchObject({ status: 201 })
  const { task_id, template_hash } = await submitted('pinned')
  expect(await ground.rest('/v1/templates', fresh)).toMatchObject({ status: 409 })
  expect(await ground.rest('/v1/templates?replace=true', fresh)).toMatchObject({ status: 200, body: { outcome: 'replaced' } })
  await ground.restart()
  const later = await submitted('pinned')
  ground.work(handlers)
  expect(await outcome(task_id)).toMatchObject({ template_hash, status: 'complete', result: { two: 'Two' } })
  expect(await outcome(later.task_id)).toMatchObject({ status: 'complete', result: { only: 'Only' } })
})

test('contexts keep every key and every text, as they were written', async () => {
  expect(await ground.rest('/v1/templates', MAIL.replace('name: mail', 'name: keys'))).toMatchObject({ status: 201 })
  const text =
    '{"online":true,"once":1,"only_paid":[{"onboarding_id":7}],"script":"<script>x</script>","eval":{"function":"javascript:void(0)"},"u":"data:text/html,x"}'
  const body = `{"namespace":"shop","name":"keys","context":${text}}`
  const { task_id } = TASK.parse((await ground.rest('/v1/tasks', JSON.parse(body))).body)
  expect(TASK.parse((await ground.rest(`/v1/tasks/${task_id}`)).body).context).toEqual(JSON.parse(text))
})

test('a context may be deep, wide and have long texts, all of which the original refuses', async () => {
  let deep: unknown = 'bottom'
  for (let level = 0; level < 40; level++) deep = { level: deep }
  const context = {
    deep,
    wide: Object.fromEntries(Array.from({ length: 1_500 }, (_, n) => [`k${n}`, n])),
    long: 'x'.repeat(20_000),
  }
  const { status, body } = await ground.rest('/v1/tasks', { namespace: 'shop', name: 'keys', context })
  expect([status, TASK.parse(body).context]).toEqual([201, context])
})
