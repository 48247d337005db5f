/** The task that tests of faults run: four typed steps whose handlers take a while, and a result that follows from the input alone. */
import { existsSync } from 'node:fs'
import { defineTask, RetryableError } from '@tasker/sdk'
import { z } from 'zod'

export const PARCEL_ATTEMPTS_MAX = 20

/** What each step waits for, for whoever reads the log without the template. */
export const PARCEL_DEPENDENCIES: Readonly<Record<string, readonly string[]>> = {
  weigh: [],
  label: ['weigh'],
  price: ['weigh'],
  ship: ['label', 'price'],
}

const GATE_LOOK_MS = 10

const input = z.object({
  n: z.number(),
  /** How long each handler takes. */
  holdMs: z.number(),
  /** The first attempt at `price` fails. */
  stumbles: z.boolean().default(false),
  /** The first attempt at `weigh` waits until this file is there. */
  gate: z.string().optional(),
})

type Parcel = z.output<typeof input>

const held = (holdMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, holdMs))

const pastGate = async ({ gate }: Parcel, signal: AbortSignal): Promise<void> => {
  while (gate !== undefined && !existsSync(gate) && !signal.aborted) await held(GATE_LOOK_MS)
}

const retry = { maxAttempts: PARCEL_ATTEMPTS_MAX, backoff: 'none' } as const

export const parcel = defineTask('parcel', { namespace: 'faults', version: '1.0.0', input })
  .step('weigh', { retry }, async ({ input, attempt, signal }) => {
    if (attempt === 1) await pastGate(input, signal)
    await held(input.holdMs)
    return { n: input.n + 1, by: process.pid }
  })
  .step('label', { after: ['weigh'], retry }, async ({ input, deps }) => {
    await held(input.holdMs)
    return deps.weigh.n * 2
  })
  .step('price', { after: ['weigh'], retry }, async ({ input, deps, isRetry }) => {
    await held(input.holdMs)
    if (input.stumbles && !isRetry) throw new RetryableError('the scales are busy')
    return deps.weigh.n + 100
  })
  .step('ship', { after: ['label', 'price'], retry }, async ({ input, deps }) => {
    await held(input.holdMs)
    return deps.label + deps.price
  })

/** The one right result. */
export const parcelResult = (n: number): { readonly ship: number } => ({ ship: 3 * n + 103 })
