/** An agent: a model that is asked what to do, tools that are steps, and a person who is asked before money moves. Worker and client in one file. */
import { setTimeout as pause } from 'node:timers/promises'
import { Client, defineFunction, PermanentError, Worker } from '@tasker/sdk'
import { z } from 'zod'
import { askModel, type Message } from './model.js'

const say = (line: string): void => void process.stdout.write(`${line}\n`)

interface Tool {
  /** A person is asked before it is used. */
  readonly isChecked: boolean
  readonly use: (argument: string) => string
}

const TOOLS: Readonly<Record<string, Tool>> = {
  'find order': { isChecked: false, use: (order) => (order === 'A-1' ? 'on its way' : 'delivered, and broken') },
  refund: { isChecked: true, use: (order) => `refund of ${order}` },
}

interface Verdict {
  readonly call: number
  readonly by: string
  readonly ok: boolean
}

/** A model that does not come to an end costs money. */
const TURNS_MAX = 10

const agent = defineFunction(
  'support_agent',
  { namespace: 'support', version: '1.0.0', input: z.object({ question: z.string() }) },
  async (ctx, { question }) => {
    const messages: Message[] = [{ role: 'user', text: question }]
    for (let turn = 1; turn <= TURNS_MAX; turn++) {
      // What the model said is recorded: a replay asks nobody, and pays nothing.
      const reply = await ctx.step('think', () => askModel(messages), { retry: { maxAttempts: 5, backoffBase: 50 } })
      if (reply.type === 'answer') return reply.text
      const { tool: name, argument } = reply
      const tool = TOOLS[name]
      if (tool === undefined) throw new PermanentError(`the model wants the tool ${name}`, { code: 'NO_SUCH_TOOL' })
      if (tool.isChecked) {
        ctx.setState('asks', { call: turn, tool: name, argument })
        const verdict = await ctx.waitForSignal<Verdict>('verdict', { timeout: '1d', where: ({ call }) => call === turn })
        ctx.setState('asks', null)
        if (verdict?.ok !== true) {
          messages.push({ role: 'tool', tool: name, result: `refused by ${verdict?.by ?? 'nobody in time'}` })
          continue
        }
      }
      const result = await ctx.step(name, () => {
        say(`${name} ${argument}`)
        return tool.use(argument)
      })
      messages.push({ role: 'tool', tool: name, result })
    }
    throw new PermanentError(`no answer after ${TURNS_MAX} turns`, { code: 'TOO_MANY_TURNS' })
  },
)

const url = process.env['TASKER_GRPC_URL'] ?? 'localhost:9190'
const worker = new Worker({ url, namespace: 'support', tasks: [agent] })
const running = worker.run()

const client = new Client({ url })
const asks = z.object({ call: z.number(), tool: z.string(), argument: z.string() })

/** Ada lets the agent pay for B-2 and not for C-3. */
const check = async (handle: {
  shown(name: 'asks'): Promise<unknown>
  signal(name: string, payload: Verdict): Promise<void>
}) => {
  let asked = asks.safeParse(undefined)
  while (!asked.success) {
    await pause(20)
    asked = asks.safeParse(await handle.shown('asks'))
  }
  const { call, tool, argument } = asked.data
  const ok = argument === 'B-2'
  say(`Ada ${ok ? 'allows' : 'refuses'}: ${tool} ${argument}`)
  await handle.signal('verdict', { call, by: 'Ada', ok })
}

for (const order of ['A-1', 'B-2', 'C-3']) {
  const handle = await client.submit(agent, { question: `What about my order ${order}?` })
  if (order !== 'A-1') await check(handle)
  say(await handle.result())
}

client.close()
await worker.drain()
await running
