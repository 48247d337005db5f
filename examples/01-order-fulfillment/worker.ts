/** The worker of the order-fulfillment template: one handler for each `callable` that the template names. */
import { defineStep, PermanentError, RetryableError, Worker } from '@tasker/sdk'
import { z } from 'zod'

const order = z.object({
  order_id: z.string(),
  items: z.array(z.object({ sku: z.string(), quantity: z.number(), price_cents: z.number() })),
})

interface Validated {
  total_cents: number
}
interface Reserved {
  reservation: string
}
interface Charged {
  charge: string
}
interface Shipped {
  parcel: string
}

const validate = defineStep('Orders.Validate', { input: order }, ({ input }): Validated => {
  const total_cents = input.items.reduce((sum, item) => sum + item.quantity * item.price_cents, 0)
  if (total_cents === 0) throw new PermanentError('an order that costs nothing is a mistake', { code: 'EMPTY_ORDER' })
  return { total_cents }
})

const reserve = defineStep<typeof order, object, { warehouse: string }>(
  'Warehouse.Reserve',
  { input: order },
  ({ input, config, heartbeat }): Reserved => {
    for (const item of input.items) heartbeat({ reserving: item.sku })
    return { reservation: `${config.warehouse}/${input.order_id}` }
  },
)

// The number of the attempt makes the first try fail, every time the example runs.
const charge = defineStep<typeof order, { validate_order: Validated }>(
  'Payments.Charge',
  { input: order },
  async ({ input, deps, attempt, signal }): Promise<Charged> => {
    if (attempt === 1) throw new RetryableError('the bank is busy', { code: 'BANK_BUSY' })
    signal.throwIfAborted()
    return { charge: `${input.order_id}: ${deps.validate_order.total_cents} cents` }
  },
)

const ship = defineStep<typeof order, { reserve_stock: Reserved; charge_card: Charged }>(
  'Warehouse.Ship',
  { input: order },
  ({ input, deps }): Shipped => ({ parcel: `${input.order_id} from ${deps.reserve_stock.reservation}` }),
)

// A step of a template sees the results of all its ancestors, here of validate_order too.
const confirm = defineStep<typeof order, { validate_order: Validated; create_shipment: Shipped }>(
  'Customers.Confirm',
  { input: order },
  ({ input, deps }) => ({
    order_id: input.order_id,
    message: `Parcel ${deps.create_shipment.parcel} is on its way. You paid ${deps.validate_order.total_cents} cents.`,
  }),
)

const url = process.env['TASKER_GRPC_URL'] ?? 'localhost:9190'

const worker = new Worker({
  url,
  namespace: 'shop',
  slots: 20,
  handlers: [validate, reserve, charge, ship, confirm],
  onConnect: () => process.stdout.write(`order-fulfillment worker connected to ${url}\n`),
})

await worker.run()
