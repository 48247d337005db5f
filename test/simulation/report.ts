/** What people read of runs: a line for each, the medians of many, and of one that failed the command that replays it and a readable trace. */
import type { RunReport } from './run-report.js'

/** What is left of a report when it has travelled from another thread. */
export interface RunSummary {
  readonly seed: number
  readonly tasks: number
  readonly events: number
  readonly eventTypes: readonly string[]
  readonly faults: readonly (readonly [string, number])[]
  readonly virtualMs: number
  readonly grants: number
  readonly compensations: RunReport['compensations']
  /** What people read when something was wrong; undefined when nothing was. */
  readonly failure: string | undefined
}

export const summaryOf = (report: RunReport): RunSummary => ({
  seed: report.seed,
  tasks: report.tasks,
  events: report.events,
  eventTypes: [...report.eventTypes],
  faults: [...report.faults],
  virtualMs: report.virtualMs,
  grants: report.grants,
  compensations: report.compensations,
  failure: failureOf(report),
})

export const lineOf = ({ seed, tasks, events, grants, compensations, virtualMs, faults }: RunSummary): string => {
  const happened = faults.map(([what, count]) => `${count} × ${what}`).join(', ')
  return `seed ${seed}: ${tasks} tasks, ${events} events, ${grants} places of keys given, ${compensations.complete} of ${compensations.begun} compensations done, ${Math.round(virtualMs / 1_000)} virtual s; ${happened || 'no faults'}`
}

/** What is wrong, how it came to it, and how to see it again; undefined when nothing is wrong. */
export const failureOf = ({
  replay,
  violations,
  trace,
}: Pick<RunReport, 'replay' | 'violations' | 'trace'>): string | undefined => {
  const [first] = violations
  if (first === undefined) return undefined
  const about =
    first.taskId === undefined ? [] : ['', `all about ${first.taskId}:`, ...trace.historyOf(first.taskId, first.place)]
  return [
    `${replay}: ${first.what}`,
    ...violations.slice(1).map(({ what }) => `  and then: ${what}`),
    '',
    'what happened before it:',
    ...trace.before(first.place),
    ...about,
    '',
    `replay it with: npm run sim -- ${replay} --trace`,
  ].join('\n')
}

export interface Medians {
  readonly tasks: number
  readonly events: number
  readonly faults: number
}

export const mediansOf = (summaries: readonly RunSummary[]): Medians => ({
  tasks: median(summaries.map(({ tasks }) => tasks)),
  events: median(summaries.map(({ events }) => events)),
  faults: median(summaries.map(({ faults }) => faults.reduce((sum, [, count]) => sum + count, 0))),
})

/** How many runs met each kind of fault. */
export const kindsOf = (summaries: readonly RunSummary[]): ReadonlyMap<string, number> => {
  const kinds = new Map<string, number>()
  for (const { faults } of summaries) for (const [what] of faults) kinds.set(what, (kinds.get(what) ?? 0) + 1)
  return kinds
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0
