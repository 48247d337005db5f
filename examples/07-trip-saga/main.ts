/** A trip that is booked as a whole or not at all: what was booked is taken back when something fails. Worker and client in one file. */
import { Client, defineFunction, PermanentError, TaskFailedError, Worker } from '@tasker/sdk'
import { z } from 'zod'

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Stands for the companies: there is no car in Venice. */
const book = (what: string, city: string): string => {
  if (what === 'car' && city === 'Venice') throw new PermanentError('there is no car in Venice', { code: 'NO_CAR' })
  say(`${what} to ${city}: booked`)
  return `${what}-${city}`
}

const trip = defineFunction(
  'trip',
  { namespace: 'travel', version: '1.0.0', input: z.object({ city: z.string() }) },
  async (ctx, { city }) => {
    const bookings: string[] = []
    for (const what of ['flight', 'hotel', 'car']) {
      // What may have been done has a way back before it is tried: a booking that was made, and not heard of, is taken back too.
      ctx.compensate(`cancel ${what}`, () => say(`${what} to ${city}: given back, if there was one`))
      bookings.push(await ctx.step(`book ${what}`, () => book(what, city)))
    }
    return bookings
  },
)

const url = process.env['TASKER_GRPC_URL'] ?? 'localhost:9190'
const worker = new Worker({ url, namespace: 'travel', tasks: [trip] })
const running = worker.run()

const client = new Client({ url })
for (const city of ['Lisbon', 'Venice']) {
  const handle = await client.submit(trip, { city })
  try {
    say(`booked: ${(await handle.result()).join(', ')}`)
  } catch (error) {
    if (!(error instanceof TaskFailedError)) throw error
    say(`not booked: ${error.failureCode}`)
  }
}

client.close()
await worker.drain()
await running
