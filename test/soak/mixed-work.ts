/** The tasks that run under faults: of several shapes, with a result that follows from the input alone, whatever happens on the way. */
import { type Client, defineTask, type RetryOptions, RetryableError, type TaskDefinition } from '@tasker/sdk'
import { z } from 'zod'
import { parcel, PARCEL_ATTEMPTS_MAX, PARCEL_DEPENDENCIES, parcelResult } from '../support/parcel.js'

/** A task that was acknowledged. */
export interface Acknowledged {
  readonly taskId: string
  result(): Promise<unknown>
}

/** One shape of work. */
export interface WorkKind {
  readonly definition: TaskDefinition
  submit(client: Client, input: WorkInput, requestId: string): Promise<Acknowledged>
  /** The one right result. */
  resultOf(n: number): unknown
}

export interface WorkInput {
  readonly n: number
  /** How long each handler takes. */
  readonly holdMs: number
}

export const ATTEMPTS_MAX = PARCEL_ATTEMPTS_MAX
const NAMESPACE = 'faults'
const VERSION = '1.0.0'
const PARTS = 5
const ITEMS_A_PART = 4
const LANES = 3
const LANE_WIDTH = 40

const input = z.object({ n: z.number(), holdMs: z.number() })
const retry: RetryOptions = { maxAttempts: ATTEMPTS_MAX, backoff: 'none' }
const slowRetry: RetryOptions = { maxAttempts: ATTEMPTS_MAX, backoff: 'exponential', backoffBase: 100, maxBackoff: 400 }

const held = (holdMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, holdMs))

const line = defineTask('line', { namespace: NAMESPACE, version: VERSION, input })
  .step('first', { retry }, async ({ input }) => {
    await held(input.holdMs)
    return input.n + 1
  })
  .step('second', { after: ['first'], retry }, async ({ input, deps }) => {
    await held(input.holdMs)
    return deps.first * 2
  })
  .step('third', { after: ['second'], retry }, async ({ input, deps }) => {
    await held(input.holdMs)
    return deps.second - 3
  })

/** Fails in its first attempts by itself, and waits between them. */
const flaky = defineTask('flaky', { namespace: NAMESPACE, version: VERSION, input })
  .step('stumble', { retry: slowRetry }, async ({ input, attempt }) => {
    await held(input.holdMs / 2)
    if (attempt <= 2) throw new RetryableError('not yet')
    return input.n * 7
  })
  .step('stand', { after: ['stumble'], retry }, ({ deps }) => deps.stumble + 1)

const order = defineTask('order', { namespace: NAMESPACE, version: VERSION, input })
  .step('check', { retry }, async ({ input }) => {
    await held(input.holdMs)
    return { cents: input.n % 30 }
  })
  .decision('choose', { after: ['check'], branches: ['auto', 'manager', 'finance'], retry }, async (context) => {
    await held(context.input.holdMs)
    const { cents } = context.deps.check
    if (cents === 0) return context.skip('it costs nothing')
    return cents < 20 ? context.route('auto') : context.route('manager', 'finance')
  })
  .step('auto', { after: ['choose'], retry }, () => 'auto')
  .step('manager', { after: ['choose'], retry }, async ({ input }) => {
    await held(input.holdMs)
    return 'manager'
  })
  .step('sign', { after: ['manager'], retry }, ({ deps }) => `${deps.manager} signed`)
  .step('finance', { after: ['choose'], retry }, async ({ input }) => {
    await held(input.holdMs)
    return 'finance'
  })
  .step('close', { after: ['auto', 'sign', 'finance'], retry }, ({ deps }) =>
    [deps.auto, deps.sign, deps.finance].filter((said) => said !== undefined),
  )

const orderResult = (n: number): unknown => {
  const cents = n % 30
  if (cents === 0) return {}
  return { close: cents < 20 ? ['auto'] : ['manager signed', 'finance'] }
}

/** Each part adds up its items and saves how far it is after every one: a part that is begun again goes on from there. */
const sums = defineTask('sums', { namespace: NAMESPACE, version: VERSION, input })
  .batch(
    'part',
    { size: ITEMS_A_PART, maxWorkers: PARTS, parallelism: 2, retry },
    ({ input, batches }) =>
      batches(
        Array.from({ length: PARTS }, (_, index) => {
          const start = input.n + index * ITEMS_A_PART
          return { start, end: start + ITEMS_A_PART, size: ITEMS_A_PART }
        }),
      ),
    async ({ input, batch, cursor, checkpoint }) => {
      let sum = Number(cursor?.accumulated ?? 0)
      for (let item = Number(cursor?.cursor ?? batch.start); item < Number(batch.end); item++) {
        await held(input.holdMs / ITEMS_A_PART)
        sum += item
        await checkpoint({ cursor: item + 1, itemsProcessed: item + 1 - Number(batch.start), accumulated: sum })
      }
      return sum
    },
  )
  .step('total', { after: ['part'], retry }, ({ deps }) => deps.part.reduce((sum, one) => sum + one, 0))

const sumsResult = (n: number): unknown => {
  const items = PARTS * ITEMS_A_PART
  return { total: items * n + (items * (items - 1)) / 2 }
}

/** Waits for a place of its lane before each step. */
const laned = defineTask('laned', {
  namespace: NAMESPACE,
  version: VERSION,
  input: input.extend({ lane: z.number() }),
  concurrency: { key: 'lane-${context.lane}', limit: LANE_WIDTH },
})
  .step('enter', { retry }, async ({ input }) => {
    await held(input.holdMs / 4)
    return input.n
  })
  .step('leave', { after: ['enter'], retry }, async ({ input, deps }) => {
    await held(input.holdMs / 4)
    return deps.enter * 11
  })

/** In the order in which they take turns. */
export const WORK_KINDS: readonly WorkKind[] = [
  {
    definition: parcel,
    submit: (client, { n, holdMs }, requestId) => client.submit(parcel, { n, holdMs, stumbles: n % 12 === 0 }, { requestId }),
    resultOf: parcelResult,
  },
  {
    definition: line,
    submit: (client, given, requestId) => client.submit(line, given, { requestId }),
    resultOf: (n) => ({ third: 2 * n - 1 }),
  },
  { definition: order, submit: (client, given, requestId) => client.submit(order, given, { requestId }), resultOf: orderResult },
  { definition: sums, submit: (client, given, requestId) => client.submit(sums, given, { requestId }), resultOf: sumsResult },
  {
    definition: flaky,
    submit: (client, given, requestId) => client.submit(flaky, given, { requestId }),
    resultOf: (n) => ({ stand: 7 * n + 1 }),
  },
  {
    definition: laned,
    submit: (client, given, requestId) => client.submit(laned, { ...given, lane: given.n % LANES }, { requestId }),
    resultOf: (n) => ({ leave: 11 * n }),
  },
]

export const workNamed = (name: string): WorkKind => {
  const kind = WORK_KINDS.find(({ definition }) => definition.name === name)
  if (kind === undefined) throw new Error(`there is no work named ${name}`)
  return kind
}

/** What each step waits for, for whoever reads the log without the templates. Names of steps are unique among all kinds. */
export const DEPENDENCIES: Readonly<Record<string, readonly string[]>> = {
  ...PARCEL_DEPENDENCIES,
  first: [],
  second: ['first'],
  third: ['second'],
  stumble: [],
  stand: ['stumble'],
  check: [],
  choose: ['check'],
  auto: ['choose'],
  manager: ['choose'],
  sign: ['manager'],
  finance: ['choose'],
  close: ['auto', 'sign', 'finance'],
  split_part: [],
  part: ['split_part'],
  total: ['part'],
  enter: [],
  leave: ['enter'],
}
