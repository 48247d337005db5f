/** The tasks of the workloads: graphs of steps that answer 1 or their input, or that sleep once, and a durable function. */
import { defineFunction } from '@tasker/sdk'

export const NAMESPACE = 'bench'

/** Answers 1. */
export const NOTHING = 'bench.nothing'
/** Its first attempt asks for another in `SLEEP_MS`; the second answers how many milliseconds later than that it began. */
export const SLEEP = 'bench.sleep'
export const SLEEP_MS = 2_000
/** Answers the task's input. */
export const ECHO = 'bench.echo'
/** Notes when it began, and answers 1. */
export const CLOCK = 'bench.clock'
/** Answers when the steps of its task began, in milliseconds after the first. */
export const CLOCK_READ = 'bench.clock_read'

interface Shape {
  readonly steps: number
  /** The template, as it is registered. */
  readonly document: string
}

interface Step {
  readonly name: string
  readonly dependencies: readonly string[]
  readonly callable?: string
}

const shape = (name: string, steps: readonly Step[], usual = NOTHING): Shape => ({
  steps: steps.length,
  document: JSON.stringify({
    name,
    namespace_name: NAMESPACE,
    version: '1.0.0',
    steps: steps.map(({ callable = usual, ...step }) => ({ ...step, handler: { callable } })),
  }),
})

const FIRST: Step = { name: 'first', dependencies: [] }

const chain = (length: number): readonly Step[] =>
  Array.from({ length }, (_, n) => ({ name: `s${n}`, dependencies: n === 0 ? [] : [`s${n - 1}`] }))

/** One step, `width` beside each other after it, one after all of them. */
const fan = (width: number): readonly Step[] => {
  const middle = Array.from({ length: width }, (_, n) => ({ name: `m${n}`, dependencies: [FIRST.name] }))
  return [FIRST, ...middle, { name: 'last', dependencies: middle.map(({ name }) => name) }]
}

/** A chain whose steps look at the clock. */
const timedChain = (length: number): Shape =>
  shape(
    `chain_${length}`,
    chain(length).map((step, n) => ({ ...step, callable: n === length - 1 ? CLOCK_READ : CLOCK })),
  )

const FUNCTION_STEPS = 4

/** A durable function of four steps of its own, one after another. */
export const functionOf4 = defineFunction('function_4', { namespace: NAMESPACE, version: '1.0.0' }, async (ctx) => {
  let sum = 0
  for (let n = 0; n < FUNCTION_STEPS; n++) sum += await ctx.step(`s${n}`, () => 1)
  return sum
})

export const SHAPES = {
  single: shape('single', chain(1)),
  linear_4: shape('linear_4', chain(4)),
  diamond_8: shape('diamond_8', fan(8)),
  wide_100: shape('wide_100', fan(100)),
  sleep: shape('sleep', [FIRST], SLEEP),
  echo_4: shape('echo_4', chain(4), ECHO),
  chain_10: timedChain(10),
  chain_100: timedChain(100),
  chain_1000: timedChain(1_000),
  function_4: { steps: FUNCTION_STEPS, document: JSON.stringify(functionOf4.template()) },
} as const

export type ShapeName = keyof typeof SHAPES
