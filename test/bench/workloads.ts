/** The workloads: which tasks, how many at a time, and what is measured. The same ones that peers are measured with. */
import type { ShapeName } from './shapes.js'

export type Load =
  /** So many tasks in flight: after a warm-up, for a time, or until so many are done. */
  | {
      readonly type: 'closed_loop'
      readonly shape: ShapeName
      readonly inFlight: number
      readonly warmupMs: number
      readonly until: { readonly ms: number } | { readonly tasks: number }
      /** Of each task's input, which its steps answer. */
      readonly inputBytes?: number
    }
  /** Tasks submitted at a rate, however long they take. */
  | {
      readonly type: 'paced'
      readonly shape: ShapeName
      readonly tasksPerS: number
      readonly warmupMs: number
      readonly ms: number
    }
  /** One task at a time, whose result says when its steps began. */
  | { readonly type: 'clocked'; readonly shape: ShapeName; readonly tasks: number; readonly warmupTasks: number }
  /** Tasks put in by so many submitters while there is no worker; then one starts. */
  | { readonly type: 'backlog'; readonly shape: ShapeName; readonly tasks: number; readonly submitters: number }
  /** After a warm-up with tasks of one step: tasks submitted all at once, whose results say how late their timers were. */
  | { readonly type: 'timers'; readonly shape: ShapeName; readonly tasks: number; readonly warmupMs: number }

export type LoadOf<Type extends Load['type']> = Extract<Load, { type: Type }>

export interface Workload {
  readonly title: string
  readonly load: Load
}

export const WARMUP_MS = 3_000

const closedLoop = (shape: ShapeName, inFlight: number, until: LoadOf<'closed_loop'>['until']): Load => ({
  type: 'closed_loop',
  shape,
  inFlight,
  warmupMs: WARMUP_MS,
  until,
})

export const WORKLOADS: Readonly<Record<string, Workload>> = {
  W0: { title: 'one step, 200 in flight', load: closedLoop('single', 200, { ms: 15_000 }) },
  W1: { title: 'four steps one after another, 200 in flight', load: closedLoop('linear_4', 200, { ms: 15_000 }) },
  W2: { title: 'one, 8 beside each other, one; 100 in flight', load: closedLoop('diamond_8', 100, { ms: 8_000 }) },
  'W2-idle': { title: 'one, 8 beside each other, one; one task at a time', load: closedLoop('diamond_8', 1, { ms: 6_000 }) },
  W3: { title: 'one, 100 beside each other, one; 10 in flight', load: closedLoop('wide_100', 10, { ms: 8_000 }) },
  'W3-idle': { title: 'one, 100 beside each other, one; one task at a time', load: closedLoop('wide_100', 1, { ms: 6_000 }) },
  W4: {
    title: '20,000 single steps put in without a worker, then done',
    load: { type: 'backlog', shape: 'single', tasks: 20_000, submitters: 32 },
  },
  W5: { title: 'four steps one after another, one task at a time', load: closedLoop('linear_4', 1, { tasks: 200 }) },
  W6: {
    title: '5,000 tasks at once that sleep for 2 s',
    load: { type: 'timers', shape: 'sleep', tasks: 5_000, warmupMs: WARMUP_MS },
  },
  W7: { title: 'a durable function of four steps, 200 in flight', load: closedLoop('function_4', 200, { ms: 15_000 }) },
  'W7-idle': { title: 'a durable function of four steps, one at a time', load: closedLoop('function_4', 1, { tasks: 200 }) },
}
