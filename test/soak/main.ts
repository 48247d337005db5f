/**
 * `npm run soak [-- --only PHASE,PHASE] [--seed N] [--short]`: plays phases one after another and prints for each a section of
 * `docs/reliability.md`. Ends with 1 at the first broken promise, with what was broken and the command that plays it again.
 */
import { statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import type { Phase, PhaseRun } from './phase.js'
import { PHASES } from './phases.js'
import { commandOf, sectionOf } from './report.js'

const SEEDS = 1_000_000
const DISK_BYTES_DEFAULT = 2 * 1024 ** 3

const say = (text: string): void => void process.stderr.write(`${text}\n`)

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: PHASES.map(({ name }) => name).join(',') },
    seed: { type: 'string', default: String(Date.now() % SEEDS) },
    short: { type: 'boolean', default: false },
  },
})

const names = values.only.split(',').filter((name) => name !== '')
const unknown = names.filter((name) => !PHASES.some((phase) => phase.name === name))
const seed = Number(values.seed)
if (unknown.length > 0 || names.length === 0 || !Number.isSafeInteger(seed) || seed < 0) {
  say(`usage: npm run soak -- [--only PHASE,PHASE] [--seed N] [--short]; phases: ${PHASES.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}

/** A phase may use half of what is free. */
const noRoomFor = ({ diskBytesMax = DISK_BYTES_DEFAULT }: Phase): string | undefined => {
  const { bavail, bsize } = statfsSync(tmpdir())
  return bavail * bsize >= 2 * diskBytesMax
    ? undefined
    : `it may need ${diskBytesMax} bytes, which is more than half of what is free in ${tmpdir()}`
}

const play = async (phase: Phase, run: PhaseRun): Promise<void> => {
  const reason = phase.leftOut?.() ?? noRoomFor(phase)
  if (reason !== undefined) return say(`${phase.name} is left out: ${reason}`)
  say(`${phase.name}: ${phase.promise}`)
  const startedAt = performance.now()
  const figures = await phase.play(run)
  process.stdout.write(`${sectionOf(phase, run, figures, performance.now() - startedAt)}\n\n`)
}

for (const phase of PHASES.filter(({ name }) => names.includes(name))) {
  const run: PhaseRun = { form: values.short ? 'short' : 'long', seed, say }
  try {
    await play(phase, run)
  } catch (error) {
    say(`${phase.name}: ${error instanceof Error ? error.message : String(error)}`)
    say(`it is played again with: ${commandOf(phase, run)}`)
    process.exit(1)
  }
}
