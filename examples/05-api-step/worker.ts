/** Steps that call an HTTP service, as a class with a method for each call and as a function. */
import { defineApiStep, StepHandler, Worker, type StepContext } from '@tasker/sdk'
import { startService } from './service.js'

interface Payment {
  account: string
  currency: string
  cents: number
}

const baseUrl = await startService()

class BankApi extends StepHandler {
  readonly callable = 'Bank.Api'
  readonly api = { baseUrl, headers: { 'x-client': 'example' }, timeout: '5s' as const }

  call(): unknown {
    return this.failure('this handler is called by its methods', { retryable: false })
  }

  // A 404 would fail the step for good; accepted, it is an answer.
  async find({ api, input }: StepContext<Payment>): Promise<unknown> {
    const { status } = await api.get(`/accounts/${input.account}`, { accept: [404] })
    return { known: status === 200 }
  }

  // A 429 is tried again, not before the service's Retry-After is over; nothing of that stands here.
  async rate({ api, input }: StepContext<Payment>): Promise<unknown> {
    const { data } = await api.get('/rates', { query: { currency: input.currency } })
    return data
  }
}

const send = defineApiStep<Payment, { find_account: { known: boolean }; ask_rate: { rate: number } }>(
  'Bank.Send',
  { baseUrl, timeout: '5s' },
  async ({ api, input, deps, attempt, stepId }) => {
    const cents = input.cents * deps.ask_rate.rate
    // The same key in every attempt: a service that took the first, and could not say so, pays once.
    const headers = { 'idempotency-key': `${input.account}-${stepId}` }
    const { data } = await api.post('/payments', { to: input.account, cents }, { headers })
    return { ...Object(data), cents, attempt, new_account: !deps.find_account.known }
  },
)

const url = process.env['TASKER_GRPC_URL'] ?? 'localhost:9190'

const worker = new Worker({
  url,
  namespace: 'bank',
  handlers: [new BankApi(), send],
  onConnect: () => process.stdout.write(`api-step worker connected to ${url}\n`),
})

await worker.run()
