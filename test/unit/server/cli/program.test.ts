/** Exit codes, errors and what goes over the wire, command by command. */
import { writeFileSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { json, type Standing, standing, tasker } from './command-line.js'

const open: Standing[] = []
const serverThat = async (...args: Parameters<typeof standing>): Promise<Standing> => {
  const server = await standing(...args)
  open.push(server)
  return server
}
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

const TASK = {
  task_id: '01JD0000000000000000000000',
  namespace: 'shop',
  name: 'order',
  version: '1.0.0',
  status: 'complete',
  created_at: '2030-01-31T08:00:00.000Z',
  ended_at: null,
  stream_version: 3,
  tags: ['blue'],
  steps: [
    {
      step_id: 'pay',
      status: 'complete',
      attempts: 2,
      last_failure: { message: 'card declined\nat stack' },
      next_retry_at: null,
    },
  ],
}

/** A port that was free a moment ago: nobody listens there. */
const nobody = async (): Promise<string> => {
  const server = await standing(() => undefined)
  await server.close()
  return server.url
}

describe('exit codes', () => {
  test('help is no error', async () => {
    const { exitCode, out } = await tasker(['task', 'submit', '--help'])
    expect(exitCode).toBe(0)
    expect(out).toContain('--idempotency-key')
    expect(out).toContain('--json')
    expect(out).toContain('Examples:')
  })

  test.each([
    [['task', 'sumbit']],
    [['task', 'submit']],
    [['task', 'list', '--limit', 'many']],
    [['task', 'get', 'x', 'y']],
    [['task', 'submit', 'a b']],
    [['task', 'submit', 'order', '--context', '{']],
    [['task', 'submit', 'order', '--context', '@/nowhere/order.json']],
    [['task', 'list', '--url', 'ftp://here']],
    [['template', 'validate', '/nowhere/template.yaml']],
    [['frobnicate']],
  ])('wrong usage ends with 2 and says what is wrong: %j', async (args) => {
    const { exitCode, out, err } = await tasker(args, { TASKER_URL: await nobody() })
    expect(exitCode).toBe(2)
    expect(out).toBe('')
    expect(err).not.toBe('')
  })

  test('no server ends with 3, names the address and the way to start one', async () => {
    const url = await nobody()
    const { exitCode, err } = await tasker(['task', 'list'], { TASKER_URL: url })
    expect(exitCode).toBe(3)
    expect(err).toContain(`no Tasker server answers at ${url} (ECONNREFUSED)`)
    expect(err).toContain('hint start one with: tasker dev')
  })

  test('an answer that never arrives whole ends with 3', async () => {
    const server = await serverThat((_asked, response) => response.destroy())
    const { exitCode, err } = await tasker(['task', 'list'], { TASKER_URL: server.url })
    expect(exitCode).toBe(3)
    expect(err).toContain('ANSWER_LOST')
  })

  test('a no of the server ends with 1 and its code, reason, fields and hint on stderr', async () => {
    const server = await serverThat((_asked, response) =>
      json(
        response,
        422,
        {
          type: 'urn:tasker:error:INPUT_REFUSED',
          status: 422,
          detail: 'the context does not fit',
          code: 'INVALID_INPUT',
          reason: 'INPUT_REFUSED',
          hint: 'look at the schema',
          errors: [{ code: 'REQUIRED', message: 'is missing', path: '/order_id' }],
        },
        'application/problem+json',
      ),
    )
    const { exitCode, out, err } = await tasker(['task', 'submit', 'shop/order'], { TASKER_URL: server.url })
    expect(exitCode).toBe(1)
    expect(out).toBe('')
    expect(err).toBe(
      'error INVALID_INPUT INPUT_REFUSED: the context does not fit\n  /order_id REQUIRED is missing\n  hint look at the schema\n',
    )
  })

  test('with --json an error is one JSON object with the names a program needs', async () => {
    const server = await serverThat((_asked, response) =>
      json(response, 409, { code: 'CONFLICT', reason: 'DUPLICATE_TASK', detail: 'was there', task_id: '01JD', status: 409 }),
    )
    const { exitCode, err } = await tasker(['task', 'submit', 'order', '--json'], { TASKER_URL: server.url })
    expect(exitCode).toBe(1)
    expect(JSON.parse(err)).toEqual({
      error: { code: 'CONFLICT', reason: 'DUPLICATE_TASK', message: 'was there', task_id: '01JD' },
    })
  })

  test('what is no Tasker server is told so', async () => {
    const server = await serverThat((_asked, response) => response.end('<html>hello</html>'))
    const { exitCode, err } = await tasker(['task', 'list'], { TASKER_URL: server.url })
    expect(exitCode).toBe(1)
    expect(err).toContain('<html>hello</html>')
    expect(err).toContain('is that address a Tasker server')
  })

  test.each([
    ['complete', 0],
    ['cancelled', 1],
    ['blocked_by_failures', 1],
    ['pending', 1],
  ])('the result of a task that is %s ends with %d', async (status, expected) => {
    const server = await serverThat((_asked, response) => json(response, 200, { task_id: '01JD', status, result: { ok: true } }))
    const { exitCode } = await tasker(['task', 'result', '01JD'], { TASKER_URL: server.url })
    expect(exitCode).toBe(expected)
  })
})

describe('task submit', () => {
  test('the context goes out as it was written, under a fresh ULID', async () => {
    const server = await serverThat((_asked, response) => json(response, 201, TASK))
    const context = '{"n": 1.0, "big": 12345678901234567890, "__proto__": 1}'
    const { exitCode, out } = await tasker(
      ['task', 'submit', 'shop/order@1.0.0', '--context', context, '--tag', 'a', '--tag', 'b'],
      {
        TASKER_URL: server.url,
        TASKER_TOKEN: 'open',
      },
    )
    expect([exitCode, out]).toEqual([0, `${TASK.task_id}\n`])
    const [asked] = server.asked
    expect(asked?.body).toContain(`"context":${context}}`)
    expect(JSON.parse(asked?.body ?? '')).toMatchObject({ namespace: 'shop', name: 'order', version: '1.0.0', tags: ['a', 'b'] })
    expect(asked?.body).toMatch(/"request_id":"[0-7][0-9A-HJKMNP-TV-Z]{25}"/)
    expect(asked?.headers.authorization).toBe('Bearer open')
  })

  test('a lost answer is asked for again with the same request id', async () => {
    const server = await serverThat((_asked, response, count) => {
      if (count < 3) response.destroy()
      else json(response, 200, TASK)
    })
    const { exitCode, out, err } = await tasker(['task', 'submit', 'order'], { TASKER_URL: server.url })
    expect(exitCode).toBe(0)
    expect(out).toContain('was there already')
    expect(err).toContain('with the same request id')
    expect(new Set(server.asked.map(({ body }) => body)).size).toBe(1)
    expect(server.asked).toHaveLength(3)
  })

  test('a refusal is not repeated', async () => {
    const server = await serverThat((_asked, response) =>
      json(response, 404, { code: 'NOT_FOUND', reason: 'TEMPLATE_NOT_FOUND', detail: 'no such template' }),
    )
    expect((await tasker(['task', 'submit', 'order'], { TASKER_URL: server.url })).exitCode).toBe(1)
    expect(server.asked).toHaveLength(1)
  })

  test('the context may come from stdin or from a file', async () => {
    const server = await serverThat((_asked, response) => json(response, 201, TASK))
    const file = join(mkdtempSync(join(tmpdir(), 'tasker-cli-')), 'order.json')
    writeFileSync(file, '{"from":"file"}\n')
    await tasker(['task', 'submit', 'order', '--context', '-'], { TASKER_URL: server.url }, '{"from":"stdin"}')
    await tasker(['task', 'submit', 'order', '--context', `@${file}`], { TASKER_URL: server.url })
    expect(server.asked.map(({ body }) => body.slice(body.indexOf('"context"')))).toEqual([
      '"context":{"from":"stdin"}}',
      '"context":{"from":"file"}}',
    ])
  })

  test('the namespace is that of the name, of the flag, of the environment, or default', async () => {
    const server = await serverThat((_asked, response) => json(response, 201, TASK))
    const environment = { TASKER_URL: server.url, TASKER_NAMESPACE: 'env' }
    await tasker(['task', 'submit', 'own/order', '--namespace', 'flag'], environment)
    await tasker(['task', 'submit', 'order', '--namespace', 'flag'], environment)
    await tasker(['task', 'submit', 'order'], environment)
    await tasker(['task', 'submit', 'order'], { TASKER_URL: server.url })
    const sent = server.asked.map(({ body }) => /"namespace":"(\w+)"/.exec(body)?.[1])
    expect(sent).toEqual(['own', 'flag', 'env', 'default'])
  })
})

describe('task list and get', () => {
  test('a list is a table for people and the very answer for programs', async () => {
    const server = await serverThat((_asked, response) => json(response, 200, { tasks: [TASK], next_cursor: 'abc' }))
    const people = await tasker(['task', 'list', '--status', 'complete', '--status', 'error', '--limit', '1'], {
      TASKER_URL: server.url,
    })
    expect(people.out.split('\n')).toEqual([
      'TASK                        TEMPLATE          STATUS    CREATED                   TAGS',
      '01JD0000000000000000000000  shop/order@1.0.0  complete  2030-01-31T08:00:00.000Z  blue',
      '',
    ])
    expect(people.err).toContain('--cursor abc')
    expect(server.asked[0]?.url).toBe('/v1/tasks?status=complete&status=error&limit=1')
    const program = await tasker(['task', 'list', '--json'], { TASKER_URL: server.url })
    expect(JSON.parse(program.out)).toEqual({ tasks: [TASK], next_cursor: 'abc' })
  })

  test('a task shows its steps, attempts and the first line of the last failure', async () => {
    const server = await serverThat((_asked, response) => json(response, 200, TASK))
    const { out } = await tasker(['task', 'get', '01JD'], { TASKER_URL: server.url })
    expect(out).toContain('shop/order@1.0.0  complete')
    expect(out).toMatch(/pay\s+complete\s+2\s+card declined\n/)
  })
})

const EVENTS = [
  {
    version: 1,
    type: 'task.submitted',
    at: '2030-01-31T08:00:00.001Z',
    data: { namespace: 'shop', name: 'order', version: '1.0.0' },
  },
  {
    version: 2,
    type: 'step.failed',
    at: '2030-01-31T08:00:00.002Z',
    data: { step_id: 'pay', attempt: 1, failure: { message: 'no' } },
  },
  { version: 3, type: 'task.completed', at: '2030-01-31T08:00:00.003Z', data: {} },
]

describe('task watch and history', () => {
  test('a broken stream is taken up behind the last event seen, and each event is shown once', async () => {
    let streams = 0
    const server = await serverThat((asked, response) => {
      if (!asked.url.endsWith('/events')) return json(response, 200, { ...TASK, status: 'pending' })
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const seen = Number(asked.headers['last-event-id'] ?? 0)
      for (const event of EVENTS.filter(({ version }) => version > seen).slice(0, 2)) {
        response.write(`id: ${event.version}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
      }
      streams++
      response.end()
    })
    const { exitCode, out } = await tasker(['task', 'watch', '01JD'], { TASKER_URL: server.url })
    expect(exitCode).toBe(0)
    expect(streams).toBe(2)
    expect(out.split('\n').map((line) => line.replace(/\s+/g, ' ').trim())).toEqual([
      '08:00:00.001 1 task.submitted shop/order@1.0.0',
      '08:00:00.002 2 step.failed pay #1 no',
      '08:00:00.003 3 task.completed',
      'task 01JD is complete',
      '',
    ])
  })

  test('a watch that begins behind the end tells the status and ends', async () => {
    const server = await serverThat((asked, response) => {
      if (asked.url.endsWith('/events')) response.writeHead(204).end()
      else json(response, 200, { ...TASK, status: 'cancelled' })
    })
    const { exitCode, out } = await tasker(['task', 'watch', '01JD', '--after-version', '3'], { TASKER_URL: server.url })
    expect([exitCode, out]).toEqual([1, 'task 01JD is cancelled\n'])
  })

  test('a history is read page by page to its end', async () => {
    const server = await serverThat((asked, response) => {
      const second = asked.url.includes('cursor=2')
      json(response, 200, { events: second ? EVENTS.slice(2) : EVENTS.slice(0, 2), next_cursor: second ? null : '2' })
    })
    const { out } = await tasker(['task', 'history', '01JD', '--json'], { TASKER_URL: server.url })
    expect(JSON.parse(out)).toEqual(EVENTS)
  })
})

describe('settings of commands that hold a database', () => {
  test('a server without a database and with wrong numbers tells all of it', async () => {
    const { exitCode, err } = await tasker(['server', '--rest-port', '99999'], { TASKER_LOG_LEVEL: 'loud' })
    expect(exitCode).toBe(1)
    for (const name of ['DATABASE_URL', 'TASKER_REST_PORT', 'TASKER_LOG_LEVEL']) expect(err).toContain(name)
  })

  test('the help of the server shows every setting', async () => {
    const { out } = await tasker(['server', '--help'])
    expect(out).toContain('TASKER_PROJECTION_INTERVAL_MS')
  })

  test('an unreachable database is told without its password', async () => {
    const port = new URL(await nobody()).port
    const { exitCode, err } = await tasker(['migrate'], { DATABASE_URL: `postgres://ann:secret@127.0.0.1:${port}/x` })
    expect(exitCode).toBe(1)
    expect(err).toContain('DATABASE_UNAVAILABLE')
    expect(err).not.toContain('secret')
  })

  test('a taken port is told with the flag that changes it, before anything starts', async () => {
    const server = await serverThat(() => undefined)
    const taken = new URL(server.url).port
    const { exitCode, err } = await tasker(['dev', '--ephemeral', '--rest-port', '0', '--grpc-port', taken])
    expect(exitCode).toBe(1)
    expect(err).toContain(`PORT_IN_USE: port ${taken} of 127.0.0.1 is taken`)
    expect(err).toContain('--grpc-port <port>')
  })
})

describe('doctor', () => {
  test('a healthy server and a wrong one', async () => {
    let problems: string[] = []
    const server = await serverThat((_asked, response) => json(response, 200, { status: 'ok', problems }))
    expect((await tasker(['doctor'], { TASKER_URL: server.url })).exitCode).toBe(0)
    problems = ['the database is away']
    const { exitCode, out } = await tasker(['doctor', '--json'], { TASKER_URL: server.url })
    expect(exitCode).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ healthy: false })
    expect(out).toContain('the database is away')
  })

  test('a transport of domain events that is away is named', async () => {
    const domain_events = { lag_ms: 61_000, problem: 'RabbitMQ is away' }
    const server = await serverThat((_asked, response) => json(response, 200, { status: 'ok', problems: [], domain_events }))
    const { exitCode, out } = await tasker(['doctor'], { TASKER_URL: server.url })
    expect(exitCode).toBe(1)
    expect(out).toContain('domain events wait for 61 s: RabbitMQ is away')
  })

  test('rows that are not what the log says are told with the way to repair them', async () => {
    const projection_differences = [{ projection: 'timer', rows: 2, first: 'the row {} of timer is missing' }]
    const body = { status: 'degraded', problems: [], projection_differences }
    const server = await serverThat((_asked, response) => json(response, 200, body))
    const { exitCode, out } = await tasker(['doctor'], { TASKER_URL: server.url })
    expect(exitCode).toBe(1)
    expect(out).toContain('the row {} of timer is missing (2 of timer)')
    expect(out).toContain('tasker projection rebuild timer')
  })

  test('a task that cannot be read is named', async () => {
    const quarantined = [{ task_id: '01JD', position: '3:17', message: 'unknown event task.exploded' }]
    const server = await serverThat((_asked, response) => json(response, 200, { status: 'degraded', problems: [], quarantined }))
    const { exitCode, out } = await tasker(['doctor'], { TASKER_URL: server.url })
    expect(exitCode).toBe(1)
    expect(out).toContain('task 01JD cannot be read: unknown event task.exploded (position 3:17)')
  })

  test('the gRPC address is tried when it is given', async () => {
    const server = await serverThat((_asked, response) => json(response, 200, { status: 'ok', problems: [] }))
    const listening = server.url.slice('http://'.length)
    const silent = (await nobody()).slice('http://'.length)
    expect((await tasker(['doctor'], { TASKER_URL: server.url, TASKER_GRPC_URL: listening })).exitCode).toBe(0)
    const { exitCode, out } = await tasker(['doctor'], { TASKER_URL: server.url, TASKER_GRPC_URL: silent })
    expect(exitCode).toBe(1)
    expect(out).toContain(`nothing listens at ${silent} (ECONNREFUSED)`)
  })

  test('no server is a failed check with what to do', async () => {
    const { exitCode, out } = await tasker(['doctor'], { TASKER_URL: await nobody() })
    expect(exitCode).toBe(1)
    expect(out).toContain('tasker dev')
  })
})
