/**
 * `npm run bench [-- --workload W1] [--runs N] [--peer restate] [--json] [--slots N]`: the measured figures of this machine. Runs of Tasker
 * alternate with runs of each peer; of several runs the one in the middle comes last, marked `median`, and then the ratios of the medians.
 *
 * `npm run bench -- --part NAME` and `npm run bench -- --all`, with `[--short] [--runs N] [--out FILE]`: parts of `docs/performance.md`, kept in a file that
 * `npm run bench:report` makes the page of.
 */
import { parseArgs } from 'node:util'
import type { Contender } from './contender.js'
import { playWorkload, showing } from './list-workloads.js'
import { PEER_STAGES } from './peer-stages.js'
import { PARTS, playParts } from './play.js'
import { RESULTS_FILE } from './results.js'
import { tasker } from './tasker-stage.js'
import { WORKLOADS } from './workloads.js'

const { values } = parseArgs({
  options: {
    workload: { type: 'string', multiple: true },
    peer: { type: 'string', multiple: true, default: [] },
    runs: { type: 'string' },
    json: { type: 'boolean', default: false },
    slots: { type: 'string', default: '1000' },
    part: { type: 'string', multiple: true, default: [] },
    all: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    out: { type: 'string', default: RESULTS_FILE },
  },
})

const say = (text: string): void => void process.stderr.write(`${text}\n`)

const usage = (why: string): never => {
  const list = (names: readonly string[]): string => names.join(', ')
  say(
    `${why}; workloads are ${list(Object.keys(WORKLOADS))}; peers are ${list(PEER_STAGES.map(({ name }) => name))}; parts are ${list(PARTS.map(({ name }) => name))}`,
  )
  process.exit(2)
}

const everyPeer = PEER_STAGES.map(({ name }) => name)
for (const name of values.peer) if (!everyPeer.includes(name)) usage(`there is no peer ${name}`)
for (const name of values.part) if (!PARTS.some((part) => part.name === name)) usage(`there is no part ${name}`)
const runs = values.runs === undefined ? undefined : Number(values.runs)
if (runs !== undefined && !(runs >= 1)) usage('--runs is at least 1')

if (values.all || values.part.length > 0) {
  const failed = await playParts(values.all ? PARTS.map(({ name }) => name) : values.part, {
    form: values.short ? 'short' : 'full',
    peers: values.all && values.peer.length === 0 ? everyPeer : values.peer,
    out: values.out,
    runs,
    say,
  })
  if (failed.length > 0) {
    say(`failed: ${failed.join(', ')}`)
    process.exitCode = 1
  }
} else {
  const peers = PEER_STAGES.filter(({ name }) => values.peer.includes(name))
  const contenders: readonly Contender[] = [tasker({ slots: Number(values.slots) }), ...peers]
  for (const name of values.workload ?? Object.keys(WORKLOADS)) {
    await playWorkload(
      name,
      WORKLOADS[name] ?? usage(`there is no workload ${name}`),
      contenders,
      runs ?? 1,
      showing(values.json),
    )
  }
}
