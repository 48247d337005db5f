/** A worker process with one durable function; it is killed in the middle of a step. */
import { appendFileSync, existsSync } from 'node:fs'
import { defineFunction, Worker } from '@tasker/sdk'

const [url = '', ledger = '', gate = ''] = process.argv.slice(2)

/** What the world sees: a line for each call of a step. */
const did = (what: string): void => appendFileSync(ledger, `${what} ${process.pid}\n`)

const untilOpen = async (): Promise<void> => {
  while (!existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, 20))
}

const trip = defineFunction('trip', { namespace: 'killed', version: '1.0.0' }, async (ctx, input: { readonly city: string }) => {
  ctx.setState('phase', 'booking')
  const flight = await ctx.step('flight', () => {
    did('flight')
    return { to: input.city, seat: ctx.taskId.length }
  })
  await ctx.sleep('100ms')
  const word = await ctx.waitForSignal<string>('word')
  const hotel = await ctx.step('hotel', async () => {
    did('hotel')
    process.stdout.write('in the hotel\n')
    await untilOpen()
    return 'double'
  })
  ctx.setState('phase', 'booked')
  return { flight, word, hotel, drawn: ctx.uuid().length }
})

const worker = new Worker({ url, namespace: 'killed', tasks: [trip], onConnect: () => process.stdout.write('connected\n') })
await worker.run()
