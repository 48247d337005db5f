/** `tasker task explain` and `tasker task compensation`: what goes over the wire, and what a person sees. */
import { afterEach, expect, test } from 'vitest'
import { json, type Standing, standing, tasker } from './command-line.js'

const open: Standing[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

const ID = '01JD0000000000000000000000'

const asked = async (
  args: readonly string[],
  body: object,
): Promise<{ readonly url: string | undefined; readonly out: string }> => {
  const server = await standing((_, response) => json(response, 200, body))
  open.push(server)
  const { exitCode, out, err } = await tasker(args, { TASKER_URL: server.url })
  expect([exitCode, err]).toEqual([0, ''])
  return { url: server.asked[0]?.url, out }
}

const WAITING = {
  step_id: 'ship',
  status: 'pending',
  reason: 'dependencies',
  why: 'It waits for charge.',
  unblocked_by: 'Their end.',
  waits_for: ['charge'],
}

test('explain shows each step that waits, with what it goes on with', async () => {
  const { url, out } = await asked(['task', 'explain', ID], { task_id: ID, status: 'steps_in_process', steps: [WAITING] })
  expect(url).toBe(`/v1/tasks/${ID}/explain`)
  expect(out).toContain(`task ${ID} is steps_in_process`)
  expect(out).toMatch(/ship +pending\n +It waits for charge\.\n +goes on with: Their end\./)
})

test('explain says when nothing waits, and gives JSON as it came', async () => {
  const idle = { task_id: ID, status: 'complete', steps: [] }
  expect((await asked(['task', 'explain', ID], idle)).out).toContain('every step that could run does')
  expect(JSON.parse((await asked(['task', 'explain', ID, '--json'], idle)).out)).toEqual(idle)
})

test('compensation shows the order, and what stays as it is', async () => {
  const preview = {
    task_id: ID,
    state: 'not_started',
    steps: [{ step_id: 'reserve', handler: 'Undo', state: 'to_do', after: ['charge'] }],
    without_way_back: ['pack'],
  }
  const { url, out } = await asked(['task', 'compensation', ID], preview)
  expect(url).toBe(`/v1/tasks/${ID}/compensation`)
  expect(out).toMatch(/reserve +Undo +to_do +charge/)
  expect(out).toContain('without a way back: pack')
  expect(JSON.parse((await asked(['task', 'compensation', ID, '--json'], preview)).out)).toEqual(preview)
  const none = { ...preview, steps: [], without_way_back: [] }
  const { out: empty } = await asked(['task', 'compensation', ID], none)
  expect(empty).toContain('nothing to take back')
  expect(empty).not.toContain('without a way back')
})
