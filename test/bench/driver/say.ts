/** What the process of a load prints: `open NAME` and `close NAME` around each stretch that is measured, and `NAME {…}` with what it saw. */
import type { DriverPlan, Stretch } from '../driver-plan.js'

export type Plan<Type extends DriverPlan['type']> = Extract<DriverPlan, { type: Type }>

export const say = (line: string): void => void process.stdout.write(`${line}\n`)
export const report = (name: string, stretch: Stretch): void => say(`${name} ${JSON.stringify(stretch)}`)
