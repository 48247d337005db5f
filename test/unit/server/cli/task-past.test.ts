/** `tasker task replay` and `tasker task diff`: keys in a terminal, listings elsewhere, and how they end. */
import { PassThrough } from 'node:stream'
import { runCommandLine } from '@tasker/server/internal/cli/program'
import { backward, forward, type Stands } from '@tasker/server/internal/cli/replay'
import { keyInput, keysIn, type Place, placeAfter } from '@tasker/server/internal/cli/replay-screen'
import { terminalOver } from '@tasker/server/internal/cli/terminal'
import { afterEach, describe, expect, test } from 'vitest'
import { json, type Standing, standing, tasker } from './command-line.js'

const open: Standing[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

const ID = '01JD0000000000000000000000'

const frame = (version: number, changes: readonly object[], status = 'steps_in_process') => ({
  version,
  at: `2026-01-01T00:00:0${version}.000Z`,
  type: `event.${version}`,
  actor: 'tests',
  status_before: version === 1 ? null : 'pending',
  status,
  changes,
})
const stand = (status: string, attempts = 0, output?: string) => ({
  status,
  attempts,
  output: output === undefined ? null : { text: output, cut_from: null },
})
const FRAMES = [
  frame(1, []),
  frame(2, [{ step_id: 'a', from: null, to: stand('pending') }]),
  frame(3, [{ step_id: 'a', from: stand('pending'), to: stand('in_progress', 2) }]),
  frame(4, [{ step_id: 'a', from: stand('in_progress', 2), to: stand('complete', 2, '{"n":1}') }], 'complete'),
]

const replaying = async (frames: readonly object[] = FRAMES): Promise<Standing> => {
  const server = await standing((asked, response) => {
    const after = Number(new URL(asked.url, 'http://x').searchParams.get('cursor') ?? 0)
    if (!asked.url.includes('/replay')) {
      const steps = [{ step_id: 'a', status: 'pending', attempts: 0 }]
      const of = { task_id: ID, namespace: 'n', name: 't', version: '1.0.0', status: 'pending', created_at: '' }
      return json(response, 200, { ...of, steps })
    }
    // Two frames a page, so that the next page is asked for.
    const page = frames.slice(after, after + 2)
    json(response, 200, { frames: page, next_cursor: after + 2 < frames.length ? String(after + 2) : null })
  })
  open.push(server)
  return server
}

const versions = (out: string): readonly string[] => out.match(/^version \d+/gm) ?? []

test('without a terminal each state is printed, in the order that was asked for', async () => {
  const { url } = await replaying()
  const all = await tasker(['task', 'replay', ID], { TASKER_URL: url })
  expect([all.exitCode, versions(all.out)]).toEqual([0, ['version 1', 'version 2', 'version 3', 'version 4']])
  expect(all.out).toContain('a: pending -> in_progress, attempt 0 -> 2')
  expect(all.out).toContain('a: in_progress -> complete, output {"n":1}')
  expect(all.out).toContain('| a complete #2')
  const back = await tasker(['task', 'replay', ID, '--reverse'], { TASKER_URL: url })
  expect(versions(back.out)).toEqual(['version 4', 'version 3', 'version 2', 'version 1'])
  expect(back.out.trimEnd().endsWith('| a pending')).toBe(false)
  const lines = (await tasker(['task', 'replay', ID, '--json'], { TASKER_URL: url })).out.trim().split('\n')
  expect(JSON.parse(lines[3] ?? '')).toMatchObject({ version: 4, steps: [{ step_id: 'a', status: 'complete', attempts: 2 }] })
})

test('a part begins with how the task stood before it', async () => {
  const { url } = await replaying()
  const part = await tasker(['task', 'replay', ID, '--from-version', '3', '--to-version', '3'], { TASKER_URL: url })
  expect(versions(part.out)).toEqual(['version 3'])
  expect(open[0]?.asked[0]?.url).toContain('at_version=2')
  const wrong = await tasker(['task', 'replay', ID, '--from-version', '3', '--to-version', '2'], { TASKER_URL: url })
  expect([wrong.exitCode, wrong.err]).toEqual([2, expect.stringContaining('versions')])
})

test('many steps are counted', async () => {
  const changes = Array.from({ length: 40 }, (_, index) => ({ step_id: `s${index}`, from: null, to: stand('pending') }))
  const { url } = await replaying([frame(1, changes)])
  expect((await tasker(['task', 'replay', ID], { TASKER_URL: url })).out).toContain('| 40 pending')
})

describe('in a terminal', () => {
  const stepped = async (keys: readonly string[], args: readonly string[] = []) => {
    const { url } = await replaying()
    const modes: boolean[] = []
    const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (mode: boolean) => modes.push(mode) })
    const screens: string[] = []
    const write = (text: string): void => {
      screens.push(text)
      const key = keys[screens.length - 1]
      if (key !== undefined) stdin.write(key)
    }
    const terminal = terminalOver({ write }, { write }, false)
    const host = { environment: { TASKER_URL: url }, stdin, terminal: () => terminal }
    const exitCode = await runCommandLine(['task', 'replay', ID, ...args], host)
    return { exitCode, modes, seen: screens.map((screen) => /version (\d+)/.exec(screen)?.[1]), last: screens.at(-1) }
  }

  test('keys lead forward, back and to a number, and the terminal is as it was before', async () => {
    const { exitCode, modes, seen, last } = await stepped(['n', '\u001b[C', '\u001b[D', '$', '0', 'p', 'g', '3', '\r', 'x', 'q'])
    expect([exitCode, modes]).toEqual([0, [true, false]])
    expect(seen).toEqual(['1', '2', '3', '2', '4', '1', '1', '1', '1', '3', '3'])
    expect(last).toContain('| a in_progress #2')
  })

  test('from the end, until the interrupt key', async () => {
    const { exitCode, modes, seen } = await stepped(['p', '\u0003'], ['--reverse'])
    expect([exitCode, modes, seen]).toEqual([0, [true, false], ['4', '3']])
  })
})

test('keys are told apart, whole sequences of them too; what does nothing stays where it is', () => {
  expect(keysIn('n\u001b[Ag12\r')).toEqual(['n', '\u001b[A', 'g', '1', '2', '\r'])
  const place = (version: number, typed?: string): Place => ({ version, typed })
  expect(placeAfter('n', place(4), 1, 4)).toEqual(place(4))
  expect(placeAfter('p', place(1), 1, 4)).toEqual(place(1))
  expect(placeAfter('\r', place(2, ''), 1, 4)).toEqual(place(2))
  expect(placeAfter('\r', place(2, '99'), 1, 4)).toEqual(place(4))
  expect(placeAfter('?', place(2, '9'), 1, 4)).toEqual(place(2))
  expect(placeAfter('q', place(2), 1, 4)).toBeUndefined()
  expect(keyInput(new PassThrough())).toBeUndefined()
})

test('going back undoes what going forward did', () => {
  const [, second, third] = FRAMES
  if (second === undefined || third === undefined) throw new Error('there are four frames')
  const read = (one: object): Parameters<typeof forward>[1] => one as Parameters<typeof forward>[1]
  const none: Stands = new Map()
  const there = [second, third].map(read).reduce(forward, none)
  expect(there.get('a')?.status).toBe('in_progress')
  expect([third, second].map(read).reduce(backward, there)).toEqual(none)
})

const DIFF = {
  same: false,
  template: { a: 'n/t@1.0.0', b: 'n/t@2.0.0' },
  same_template: false,
  status: { a: 'complete', b: 'blocked_by_failures' },
  duration_ms: { a: 10, b: 20 },
  first_divergence: { step_id: 'pay', number: 2, a: { version: 9, type: 'step.completed', said: 'output: 1' }, b: null },
  context: [{ path: '/n', before: { text: '1', cut_from: null }, after: null }],
  result: [{ path: '', before: null, after: { text: '{"evil":"\u001b[2J"}', cut_from: null } }],
  only_in: { a: ['x'], b: ['y', 'z'] },
  steps: [
    {
      step_id: 'pay',
      differs: true,
      status: { a: 'complete', b: 'error' },
      attempts: { a: 1, b: 3 },
      failure: { a: null, b: 'no route' },
      output: [],
      same_input_other_output: true,
      waiting_ms: { a: 1, b: 2 },
      running_ms: { a: 3, b: 4 },
    },
  ],
  cut: true,
}

test('a difference is told place by place, and ends with 1', async () => {
  const server = await standing((_, response) => json(response, 200, DIFF))
  open.push(server)
  const { exitCode, out, err } = await tasker(['task', 'diff', ID, 'other'], { TASKER_URL: server.url })
  expect([exitCode, err]).toEqual([1, 'more differs than is shown here\n'])
  expect(server.asked[0]?.url).toBe(`/v1/tasks/${ID}/diff?other=other`)
  for (const line of [
    'they parted at event 2 of step pay:',
    '  a  version 9  step.completed  output: 1',
    '  b  has none',
    'context /n\n  - 1',
    'result (all of it)\n  + {"evil":" [2J"}',
    'only a has: x',
    'only b has: y, z',
    'step pay: complete in a, error in b',
    'step pay: 1 attempts in a, 3 in b',
    'step pay: last failure in a none, in b no route',
    'step pay: the same input, and another output',
  ])
    expect(out).toContain(line)
})

test('no difference ends with 0', async () => {
  const none = {
    ...DIFF,
    same: true,
    same_template: true,
    first_divergence: null,
    context: [],
    result: [],
    only_in: { a: [], b: [] },
    steps: [],
    cut: false,
  }
  const server = await standing((_, response) => json(response, 200, none))
  open.push(server)
  const { exitCode, out } = await tasker(['task', 'diff', ID, 'other'], { TASKER_URL: server.url })
  expect([exitCode, out]).toEqual([0, expect.stringContaining('they are the same, but for times, ids and workers')])
  const told = await tasker(['task', 'diff', ID, 'other', '--json'], { TASKER_URL: server.url })
  expect([told.exitCode, JSON.parse(told.out)]).toEqual([0, none])
})
