/** What the figures are to reach, row by row, and how far a row is from it. */

export type Reach =
  /** So many times better than a peer in the same run. */
  | { readonly type: 'times'; readonly peer: 'restate' | 'dbos'; readonly factor: number }
  | { readonly type: 'at_most'; readonly value: number }

export interface Target {
  readonly title: string
  readonly workload: string
  /** The name of the figure in what a run measured; a dot goes into one of its stretches. */
  readonly figure: string
  readonly unit: string
  readonly better: 'more' | 'less'
  readonly reach: Reach
}

const timesRestate = (factor: number): Reach => ({ type: 'times', peer: 'restate', factor })
const timesDbos = (factor: number): Reach => ({ type: 'times', peer: 'dbos', factor })
const atMost = (value: number): Reach => ({ type: 'at_most', value })

const W1 = 'W1, four steps one after another, 200 in flight'
const W4 = 'W4, backlog of 20,000'
const W5 = 'W5, four steps, one task at a time'
const STEPS = { figure: 'steps_per_s', unit: 'steps/s', better: 'more' } as const
const P50 = { figure: 'p50_ms', unit: 'ms p50', better: 'less' } as const

export const TARGETS: readonly Target[] = [
  { title: W1, workload: 'W1', ...STEPS, reach: timesRestate(3) },
  { title: W1, workload: 'W1', ...STEPS, reach: timesDbos(12) },
  { title: 'W2, 8 beside each other, 100 in flight', workload: 'W2', ...STEPS, reach: timesRestate(3) },
  { title: 'W3, 100 beside each other, 10 in flight', workload: 'W3', ...STEPS, reach: timesRestate(3) },
  {
    title: `${W4}, put in`,
    workload: 'W4',
    figure: 'submit.tasks_per_s',
    unit: 'tasks/s',
    better: 'more',
    reach: timesRestate(3),
  },
  { title: `${W4}, done`, workload: 'W4', figure: 'drain.tasks_per_s', unit: 'tasks/s', better: 'more', reach: timesRestate(3) },
  { title: W5, workload: 'W5', ...P50, reach: atMost(6) },
  { title: W5, workload: 'W5', figure: 'p99_ms', unit: 'ms p99', better: 'less', reach: atMost(15) },
  { title: 'W2, one task at a time', workload: 'W2-idle', ...P50, reach: timesRestate(2) },
  { title: 'W3, one task at a time', workload: 'W3-idle', ...P50, reach: timesRestate(2) },
  {
    title: 'W6, 5,000 timers of 2 s at once, lateness',
    workload: 'W6',
    figure: 'lateness_p99_ms',
    unit: 'ms p99',
    better: 'less',
    reach: atMost(50),
  },
  {
    title: 'W1, CPU of all processes',
    workload: 'W1',
    figure: 'cpu_s_per_1000_steps',
    unit: 's for 1,000 steps',
    better: 'less',
    reach: atMost(0.15),
  },
  {
    title: 'W1, stored after VACUUM',
    workload: 'W1',
    figure: 'vacuumed_bytes_per_step',
    unit: 'bytes a step',
    better: 'less',
    reach: atMost(1_000),
  },
  { title: 'W1, WAL', workload: 'W1', figure: 'wal_bytes_per_step', unit: 'bytes a step', better: 'less', reach: atMost(1_500) },
  { title: 'W7, durable function of four steps, 200 in flight', workload: 'W7', ...STEPS, reach: timesRestate(3) },
]

/** Every run of every system, by workload, system and figure. */
export type FiguresOfRuns = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>>>

export interface Verdict {
  readonly target: Target
  readonly ours: readonly number[]
  /** Medians of the peers that took part. */
  readonly peers: Readonly<Record<string, number>>
  /** What was reached, in the measure of the target: times a peer, or the figure itself. Undefined when its peer did not take part. */
  readonly reached: number | undefined
  readonly met: boolean
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low = Number.NaN, high = Number.NaN] = [sorted[sorted.length % 2 === 1 ? middle : middle - 1], sorted[middle]]
  return (low + high) / 2
}

/** Undefined where nothing was measured for it. */
export const verdictOn = (target: Target, figures: FiguresOfRuns): Verdict | undefined => {
  const { workload, figure, better, reach } = target
  const systems = figures[workload] ?? {}
  const ours = systems['tasker']?.[figure]
  if (ours === undefined || ours.length === 0) return undefined
  const peers = Object.fromEntries(
    Object.entries(systems)
      .filter(([name, of]) => name !== 'tasker' && of[figure] !== undefined)
      .map(([name, of]) => [name, median(of[figure] ?? [])]),
  )
  if (reach.type === 'at_most') return { target, ours, peers, reached: median(ours), met: median(ours) <= reach.value }
  const theirs = peers[reach.peer]
  const reached = theirs === undefined ? undefined : better === 'more' ? median(ours) / theirs : theirs / median(ours)
  return { target, ours, peers, reached, met: reached !== undefined && reached >= reach.factor }
}
