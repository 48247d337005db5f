/**
 * `npm run bench [-- --workload W1] [--runs N] [--peer restate] [--json] [--slots N]`: the measured figures of this machine. Runs of Tasker
 * alternate with runs of each peer; of several runs the one in the middle comes last, marked `median`, and then the ratios of the medians.
 */
import { parseArgs } from 'node:util'
import type { Contender } from './contender.js'
import { type Measured, measure } from './measure.js'
import { PEER_STAGES } from './peer-stages.js'
import { firstFigure, medianOf, ratios } from './compare.js'
import { tasker } from './tasker-stage.js'
import { WORKLOADS } from './workloads.js'

const { values } = parseArgs({
  options: {
    workload: { type: 'string', multiple: true },
    peer: { type: 'string', multiple: true, default: [] },
    runs: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    slots: { type: 'string', default: '1000' },
  },
})

const usage = (why: string): never => {
  process.stderr.write(
    `${why}; workloads are ${Object.keys(WORKLOADS).join(', ')}, peers are ${PEER_STAGES.map(({ name }) => name).join(', ')}\n`,
  )
  process.exit(2)
}

const peers = values.peer.map(
  (name): Contender => PEER_STAGES.find((peer) => peer.name === name) ?? usage(`there is no peer ${name}`),
)
const contenders = [tasker(Number(values.slots)), ...peers]
const runs = Number(values.runs)
if (!(runs >= 1)) usage('--runs is at least 1')

const show = (figures: object): void => {
  process.stdout.write(values.json ? `${JSON.stringify(figures)}\n` : `${table(figures)}\n\n`)
}

const table = (figures: object, indent = ''): string =>
  Object.entries(figures)
    .map(([key, value]: [string, unknown]) =>
      typeof value === 'object' && value !== null
        ? `${indent}${key}\n${table(value, `${indent}  `)}`
        : `${indent}${key.padEnd(24)} ${String(value)}`,
    )
    .join('\n')

for (const name of values.workload ?? Object.keys(WORKLOADS)) {
  const { title, load } = WORKLOADS[name] ?? usage(`there is no workload ${name}`)
  const measured = new Map<Contender, Measured[]>(contenders.map((contender) => [contender, []]))
  for (let run = 1; run <= runs; run++) {
    for (const [contender, all] of measured) {
      const stage = await contender.start(load)
      try {
        const figures = await measure(stage, load)
        all.push(figures)
        show({ workload: name, title, system: contender.name, ...figures })
      } finally {
        await stage.stop()
      }
    }
  }
  const medians = [...measured].map(([{ name: system }, all]) => ({
    system,
    ...medianOf(all),
    lowest: lowest(all),
    highest: highest(all),
  }))
  if (runs > 1) for (const median of medians) show({ workload: name, median: true, runs, ...median })
  const [ours, ...theirs] = medians
  for (const peer of theirs) if (ours !== undefined) show({ workload: name, against: peer.system, ...ratios(ours, peer) })
}

function lowest(all: readonly Measured[]): number {
  return Math.min(...all.map(firstFigure))
}

function highest(all: readonly Measured[]): number {
  return Math.max(...all.map(firstFigure))
}
