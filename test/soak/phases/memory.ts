/** A million tasks without a worker, then drained: the memory of the server, the pace of the submissions, and that nothing is lost. */
import type { Figures, Phase, PhaseRun } from '../phase.js'
import {
  lostOrTwice,
  mustHold,
  onSingleServer,
  residentMib,
  type SingleServer,
  submitAll,
  untilCompleted,
} from '../single-server.js'

interface Form {
  readonly tasks: number
  readonly inFlight: number
  readonly slots: number
  readonly settings: { readonly [variable: string]: string }
  readonly residentMibMax: number
  /** What of the pace of the first stretch the last must have. */
  readonly paceShareMin: number
}

const MIB = 1024 * 1024
const STRETCHES = 10
/** The slowest drain that is waited for. */
const DRAIN_PER_S_MIN = 100
const DRAIN_MS_MIN = 60_000

const FORMS: Readonly<Record<PhaseRun['form'], Form>> = {
  /**
   * Folded, these tasks are about 40 MiB, and the program itself is about 45. So a server that kept them would need more heap than it has here, and
   * would end. One that keeps 4 MiB of them has room to spare. Ten stretches of two seconds in all say nothing of a pace.
   */
  short: {
    tasks: 20_000,
    inFlight: 500,
    slots: 500,
    settings: { TASKER_CACHE_BYTES_MAX: String(4 * MIB), NODE_OPTIONS: '--max-old-space-size=80' },
    residentMibMax: 320,
    paceShareMin: 0,
  },
  /** The server as it is out of the box. */
  long: { tasks: 1_000_000, inFlight: 1_000, slots: 1_000, settings: {}, residentMibMax: 1_024, paceShareMin: 0.8 },
}

export const memory: Phase = {
  name: 'memory',
  promise:
    'tasks that wait cost rows, not memory: a million are taken at one pace and drained within a bounded process, and none is lost',
  play: ({ form, say }) => {
    const plan = FORMS[form]
    return onSingleServer(plan.settings, (site) => playOn(site, plan, say))
  },
}

const playOn = async (site: SingleServer, plan: Form, say: PhaseRun['say']): Promise<Figures> => {
  const { tasks, slots, residentMibMax, paceShareMin } = plan
  const { pid } = site.server
  const idle = residentMib(pid)
  const { acknowledged, paces, turnedAway } = await submitAll(site, { ...plan, stretches: STRETCHES, say })
  const loaded = residentMib(pid)
  say(`${tasks} tasks wait; submissions a second by stretch: ${paces.join(' ')}`)
  const drainAt = performance.now()
  await site.worker(slots)
  await untilCompleted(site, tasks, DRAIN_MS_MIN + (tasks / DRAIN_PER_S_MIN) * 1_000, say)
  const drainedPerS = Math.round(tasks / ((performance.now() - drainAt) / 1_000))
  const peak = residentMib(pid, 'VmHWM')
  const [first = 1, last = 0] = [paces[0], paces.at(-1)]
  mustHold([
    peak >= residentMibMax && `the server had ${peak} MiB, and ${residentMibMax} are allowed`,
    last < first * paceShareMin && `the pace fell from ${first} to ${last} submissions a second`,
    ...(await lostOrTwice(site, acknowledged)),
  ])
  return {
    postgresVersion: site.postgresVersion,
    columns: [
      'tasks',
      'submitted, first tenth',
      'submitted, last tenth',
      'turned away',
      'drained',
      'memory idle',
      'loaded',
      'at most',
    ],
    rows: [[tasks, `${first}/s`, `${last}/s`, turnedAway, `${drainedPerS}/s`, `${idle} MiB`, `${loaded} MiB`, `${peak} MiB`]],
  }
}
