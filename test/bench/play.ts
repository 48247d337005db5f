/** Plays the parts of a bench and keeps what each found. */
import { statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import type { ByForm, Form, Say } from './form.js'
import { GROWTHS } from './growth/all.js'
import { machineText } from './machine.js'
import { playProfiles } from './profile/play.js'
import { type From, keepResults } from './results.js'
import { playTargets } from './targets/play.js'

export interface Playing {
  readonly form: Form
  readonly peers: readonly string[]
  readonly out: string
  /** Of each system for each target; three in the full form when not said, one in the short one. */
  readonly runs: number | undefined
  readonly say: Say
}

interface Part {
  readonly name: string
  /** Bytes on disk that it may need. */
  readonly diskBytesMax: number
  /** What is typed for it. */
  readonly words: string
  play(playing: Playing): Promise<(from: From) => void>
}

const DISK_BYTES_DEFAULT = 2 * 1024 ** 3
const MS_PER_S = 1_000
const TARGET_RUNS: ByForm<number> = { short: 1, full: 3 }

/** Every part, the quick ones to write about first. */
export const PARTS: readonly Part[] = [
  {
    name: 'targets',
    words: '--part targets --peer restate --peer dbos',
    diskBytesMax: DISK_BYTES_DEFAULT,
    play: async ({ form, peers, out, say, runs: asked }) => {
      const figures = await playTargets(form, peers, asked ?? TARGET_RUNS[form], say)
      const runs = Math.max(...Object.values(figures).map(({ tasker = {} }) => tasker['foreign_cores']?.length ?? 0))
      return (from) => keepResults(out, (before) => ({ ...before, targets: { ...from, runs, figures } }))
    },
  },
  {
    name: 'profile',
    words: '--part profile',
    diskBytesMax: DISK_BYTES_DEFAULT,
    play: async ({ form, out, say }) => {
      const workloads = await playProfiles(form, say)
      return (from) => keepResults(out, (before) => ({ ...before, profile: { ...from, workloads } }))
    },
  },
  ...GROWTHS.map(
    (growth): Part => ({
      name: growth.name,
      words: `--part ${growth.name}`,
      diskBytesMax: growth.diskBytesMax ?? DISK_BYTES_DEFAULT,
      play: async ({ form, out, say }) => {
        const points = await growth.play(form, say)
        return (from) =>
          keepResults(out, (before) => ({ ...before, growth: { ...before.growth, [growth.name]: { ...from, points } } }))
      },
    }),
  ),
]

/** Half of what is free may be used. */
const hasRoomFor = ({ diskBytesMax }: Part): boolean => {
  const { bavail, bsize } = statfsSync(tmpdir())
  return bavail * bsize >= 2 * diskBytesMax
}

/** The command that plays a part again. */
export const commandOf = (words: string, form: Form): string => `npm run bench -- ${words}${form === 'short' ? ' --short' : ''}`

/** Answers the names of those that failed; the others go on. */
export const playParts = async (names: readonly string[], playing: Playing): Promise<readonly string[]> => {
  const failed: string[] = []
  const { form, say } = playing
  for (const part of PARTS.filter(({ name }) => names.includes(name))) {
    if (form === 'full' && !hasRoomFor(part)) {
      say(`${part.name} is left out: it may need ${part.diskBytesMax} bytes, more than half of what is free in ${tmpdir()}`)
      continue
    }
    say(`${part.name} …`)
    const startedAtMs = performance.now()
    const keep = await part.play(playing).catch((error: unknown) => {
      say(`${part.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
      failed.push(part.name)
    })
    if (keep === undefined) continue
    const took_s = Math.round((performance.now() - startedAtMs) / MS_PER_S)
    keep({
      at: new Date().toISOString().slice(0, 10),
      machine: machineText(),
      command: commandOf(part.words, form),
      form,
      took_s,
    })
    say(`${part.name}: ${took_s} s`)
  }
  return failed
}
