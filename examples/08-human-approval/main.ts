/** An expense that people decide: who is asked is reminded, and after that the next one is asked. Worker and client in one file. */
import { Client, defineFunction, Worker } from '@tasker/sdk'
import { z } from 'zod'

/** A day takes 50 ms, so that nobody has to wait for a week. Write `'2d'` and `'3d'` where days are days. */
const DAY_MS = 50
const days = (count: number): number => count * DAY_MS

const say = (line: string): void => void process.stdout.write(`${line}\n`)

interface Decision {
  readonly by: string
  readonly approved: boolean
}

const url = process.env['TASKER_GRPC_URL'] ?? 'localhost:9190'
const client = new Client({ url })

/** Stands for the mail and for who reads it: Ada is at work when it is about lunch, Grace decides about laptops, and nobody wants a yacht. */
const mail = async (taskId: string, to: string, about: string, what: string): Promise<void> => {
  say(`mail to ${to}: ${about} ${what}`)
  const decide = async (decision: Decision) => client.task(taskId).signal('decision', decision)
  if (to === 'Ada' && what === 'a lunch') await decide({ by: 'Ada', approved: true })
  if (to === 'Ada' && what === 'a laptop') await decide({ by: 'Mallory', approved: true })
  if (to === 'Grace' && what === 'a laptop') await decide({ by: 'Grace', approved: false })
}

const expense = defineFunction(
  'expense',
  { namespace: 'office', version: '1.0.0', input: z.object({ what: z.string(), approvers: z.array(z.string()) }) },
  async (ctx, { what, approvers }) => {
    const asked: string[] = []
    const write = async (to: string, about: string) => ctx.step(`${about} ${to}`, async () => mail(ctx.taskId, to, about, what))
    // A decision of somebody who was not asked is left unread.
    const decision = async (wait: number) =>
      ctx.waitForSignal<Decision>('decision', { timeout: days(wait), where: ({ by }) => asked.includes(by) })

    for (const approver of approvers) {
      asked.push(approver)
      ctx.setState('waits for', approver)
      await write(approver, 'please decide about')
      let decided = await decision(2)
      if (decided === undefined) {
        await write(approver, 'a reminder about')
        decided = await decision(3)
      }
      if (decided !== undefined) return `${decided.approved ? 'approved' : 'refused'} by ${decided.by}`
    }
    return 'refused, because nobody decided'
  },
)

const worker = new Worker({ url, namespace: 'office', tasks: [expense] })
const running = worker.run()

for (const what of ['a lunch', 'a laptop', 'a yacht']) {
  const handle = await client.submit(expense, { what, approvers: ['Ada', 'Grace'] })
  say(`${what}: ${await handle.result()}`)
}

client.close()
await worker.drain()
await running
