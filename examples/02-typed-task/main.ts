/** The order of example 01 as a typed definition: worker and client in one file, and no YAML. */
import { Client, defineTask, RetryableError, Worker } from '@tasker/sdk'
import { z } from 'zod'

const item = z.object({ sku: z.string(), quantity: z.number().int().positive(), priceCents: z.number().int() })

const order = defineTask('typed_order', {
  namespace: 'shop',
  version: '1.0.0',
  description: 'From a paid basket to a parcel on its way',
  input: z.object({ orderId: z.string().min(1), items: z.array(item).min(1) }),
})
  .step('validate', ({ input }) => ({
    totalCents: input.items.reduce((sum, { quantity, priceCents }) => sum + quantity * priceCents, 0),
  }))
  .step('reserve', { after: ['validate'] }, ({ input }) => ({ reservation: `leipzig/${input.orderId}` }))
  .step(
    'charge',
    { after: ['validate'], timeout: '10s', retry: { maxAttempts: 3, backoffBase: 250, maxBackoff: '2s' } },
    async ({ deps, attempt }) => {
      if (attempt === 1) throw new RetryableError('the bank is busy', { code: 'BANK_BUSY' })
      return { cents: deps.validate.totalCents }
    },
  )
  .step('ship', { after: ['reserve', 'charge'] }, ({ deps }) => ({
    // The compiler knows what `reserve` and `charge` return; `deps.validate` would not compile: it is not named in `after`.
    parcel: `from ${deps.reserve.reservation}, paid with ${deps.charge.cents} cents`,
  }))

const url = process.env['TASKER_GRPC_URL'] ?? 'localhost:9190'
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const worker = new Worker({ url, namespace: 'shop', tasks: [order] })
const running = worker.run()

const client = new Client({ url })
const handle = await client.submit(order, {
  orderId: 'A-1001',
  items: [
    { sku: 'kettle', quantity: 1, priceCents: 3_500 },
    { sku: 'tea', quantity: 2, priceCents: 400 },
  ],
})

for await (const event of handle.events()) say(`${String(event.version).padStart(2)} ${event.type}`)
const { ship } = await handle.result()
say(ship.parcel)

client.close()
await worker.drain()
await running
