/** Workloads one by one as they are asked for, with figures on the way and ratios at the end. */
import { alternate } from './alternate.js'
import { firstFigure, medianOf, ratios } from './compare.js'
import type { Contender } from './contender.js'
import type { Measured } from './figures.js'
import type { Workload } from './workloads.js'

export type Show = (figures: object) => void

export const playWorkload = async (
  name: string,
  { title, load }: Workload,
  contenders: readonly Contender[],
  runs: number,
  show: Show,
): Promise<void> => {
  const measured = await alternate(contenders, load, runs, (system, figures) =>
    show({ workload: name, title, system, ...figures }),
  )
  const medians = [...measured].map(([system, all]) => ({ system, ...medianOf(all), lowest: lowest(all), highest: highest(all) }))
  if (runs > 1) for (const median of medians) show({ workload: name, median: true, runs, ...median })
  const [ours, ...theirs] = medians
  for (const peer of theirs) if (ours !== undefined) show({ workload: name, against: peer.system, ...ratios(ours, peer) })
}

/** As lines for people, or as one JSON object each. */
export const showing =
  (json: boolean): Show =>
  (figures) =>
    void process.stdout.write(json ? `${JSON.stringify(figures)}\n` : `${table(figures)}\n\n`)

const table = (figures: object, indent = ''): string =>
  Object.entries(figures)
    .map(([key, value]: [string, unknown]) =>
      typeof value === 'object' && value !== null
        ? `${indent}${key}\n${table(value, `${indent}  `)}`
        : `${indent}${key.padEnd(24)} ${String(value)}`,
    )
    .join('\n')

const lowest = (all: readonly Measured[]): number => Math.min(...all.map(firstFigure))

const highest = (all: readonly Measured[]): number => Math.max(...all.map(firstFigure))
