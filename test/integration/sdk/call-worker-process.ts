/** A worker process with one handler that a durable function calls; it is killed in the middle of it. */
import { appendFileSync, existsSync } from 'node:fs'
import { defineStep, Worker } from '@tasker/sdk'

const [url = '', ledger = '', gate = ''] = process.argv.slice(2)

const untilOpen = async (): Promise<void> => {
  while (!existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, 20))
}

const hotel = defineStep<{ readonly city: string }>('hotel', async ({ input, attempt }) => {
  // What the world sees: a line for each call.
  appendFileSync(ledger, `hotel ${process.pid}\n`)
  process.stdout.write(`in the hotel ${attempt}\n`)
  await untilOpen()
  return { city: input.city, room: 'double' }
})

await new Worker({ url, namespace: 'booking', handlers: [hotel] }).run()
