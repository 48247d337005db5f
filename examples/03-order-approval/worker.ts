/** A decision chooses the steps behind it, and a convergence goes on with those that were chosen. */
import { defineDecision, defineStep, StepHandler, Worker, type StepContext } from '@tasker/sdk'

interface Order {
  order_id: string
  cents: number
}
interface Approved {
  approved_by: string
}

const check = defineStep<Order>('Approval.Check', ({ input }) => ({ cents: input.cents }))

// What it returns are names of steps of the template; the steps come into being together with this result.
const choose = defineDecision<Order, { check_order: { cents: number } }, { manager_from: number; finance_from: number }>(
  'Approval.Choose',
  ({ deps, config, route }) => {
    const { cents } = deps.check_order
    if (cents < config.manager_from) return route('approve_at_once')
    if (cents < config.finance_from) return route('ask_manager')
    return route('ask_manager', 'ask_finance')
  },
)

const atOnce = defineStep('Approval.AtOnce', (): Approved => ({ approved_by: 'nobody needed' }))

// The class form; one object serves both steps, and their configuration tells them apart.
class Ask extends StepHandler {
  readonly callable = 'Approval.Ask'

  call({ config }: StepContext<Order, object, { who: string }>): Approved {
    return { approved_by: config.who }
  }
}

// Only steps that were chosen have a result.
const close = defineStep<Order, Partial<Record<'approve_at_once' | 'ask_manager' | 'ask_finance', Approved>>>(
  'Approval.Close',
  ({ input, deps }) => {
    const approvals = [deps.approve_at_once, deps.ask_manager, deps.ask_finance].filter((approval) => approval !== undefined)
    return { order_id: input.order_id, approved_by: approvals.map(({ approved_by }) => approved_by) }
  },
)

const url = process.env['TASKER_GRPC_URL'] ?? 'localhost:9190'

const worker = new Worker({
  url,
  namespace: 'shop',
  handlers: [check, choose, atOnce, new Ask(), close],
  onConnect: () => process.stdout.write(`order-approval worker connected to ${url}\n`),
})

await worker.run()
