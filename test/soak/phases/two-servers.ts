/** Two servers on one database: by mistake while the first works, and as a takeover while the first stands still. */
import { end, freeAddress, launchServer, startLiveServer } from '../../support/live-server.js'
import { noProcessTrees, signalTree } from '../../support/process-tree.js'
import type { RunningProgram } from '../../support/processes.js'
import { query } from '../../support/query.js'
import { until, within } from '../../support/until.js'
import { Ground } from '../ground.js'
import { Load } from '../load.js'
import type { Figures, Phase, PhaseRun } from '../phase.js'
import { afterFault, BrokenPromise, judge } from '../verdict.js'

const ANSWER_MS_MAX = 120_000
const IN_FLIGHT = 200
const HOLD_MS_MAX = 300
const TIMES = { short: 1, long: 5 } as const

export const twoServers: Phase = {
  name: 'two-servers',
  promise:
    'a second server on a database is refused while the first works, and fences it once it has taken over; the old one says so and ends',
  leftOut: noProcessTrees,
  play: async ({ form, say }: PhaseRun): Promise<Figures> => {
    const ground = await Ground.open({ workers: 2, slots: 200, graceMs: 1_000, silenceMs: 2_500 })
    const load = new Load(ground.client, { inFlight: IN_FLIGHT, holdMsMax: HOLD_MS_MAX })
    const rows: (string | number)[][] = []
    try {
      load.start()
      for (let round = 1; round <= TIMES[form]; round++) {
        await untilLoaded(load)
        rows.push([`second server, the first works (${round})`, await refused(ground), 'SERVER_ALREADY_RUNNING'])
        await load.resting(() => judge(ground, load, afterFault(form)))
        await untilLoaded(load)
        rows.push([`takeover from a server that stands still (${round})`, ...(await takenOver(ground))])
        await within('all results', ANSWER_MS_MAX, load.openNow())
        await load.resting(() => judge(ground, load, afterFault(form)))
        say(`round ${round}: refused, taken over, and sound`)
      }
      await within('the results of all open tasks', ANSWER_MS_MAX, load.stop())
      const { tasks } = await judge(ground, load, 'over')
      const postgresVersion = await ground.postgresVersion()
      await ground.close()
      return {
        postgresVersion,
        columns: ['what', 'it took', 'what was said'],
        rows,
        notes: [`${tasks} tasks were acknowledged, and each reached its right result.`],
      }
    } catch (error) {
      say(`the server's last words:\n${ground.lastWords}`)
      say(`the data is kept in ${await ground.abandon()}`)
      throw error
    }
  },
}

const untilLoaded = (load: Load): Promise<true> =>
  until('the load is back', ANSWER_MS_MAX, async () => (load.open >= IN_FLIGHT / 2 ? true : undefined))

/** Started elsewhere, it ends by itself and says why. */
const refused = async (ground: Ground): Promise<string> => {
  const startedAt = performance.now()
  const second = launchServer(ground.databaseUrl, await freeAddress(), ground.serverSettings)
  const code = await endedWith(second)
  const said = second.output()
  if (code !== 1 || !said.includes('SERVER_ALREADY_RUNNING')) {
    throw new BrokenPromise([`a second server ended with ${code} and said:\n${said}`])
  }
  if (!ground.server.running()) throw new BrokenPromise(['the first server ended for the second'])
  return `${Math.round(performance.now() - startedAt)} ms`
}

/**
 * The first stands still, and PostgreSQL gives its connections up, as it does for a machine that is gone. A second one takes over on another
 * address; when the first goes on, it must write nothing more, say so and end. The second ends too, and a third one is the ground's again.
 */
const takenOver = async (ground: Ground): Promise<readonly [string, string]> => {
  const old = ground.server
  signalTree(old.pid, 'SIGSTOP')
  const stoppedAt = performance.now()
  await query(ground.databaseUrl, GIVE_UP)
  const second = await startLiveServer(ground.databaseUrl, await freeAddress(), ground.serverSettings)
  const tookOverMs = Math.round(performance.now() - stoppedAt)
  try {
    signalTree(old.pid, 'SIGCONT')
    const code = await endedWith(old)
    if (code !== 1 || !FENCED.test(old.output())) {
      throw new BrokenPromise([`the server that was taken over ended with ${code} and said:\n${old.output()}`])
    }
    if (!second.running()) throw new BrokenPromise(['the server that took over ended for the one that came back'])
    await end(second)
    await ground.startServer()
    return [`${tookOverMs} ms`, 'another server owns the log; this one stops']
  } finally {
    second.kill('SIGKILL')
  }
}

const endedWith = (program: RunningProgram): Promise<number | null> =>
  within(`server ${program.pid} ends by itself`, ANSWER_MS_MAX, program.exited)

const GIVE_UP = `select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name like 'tasker %'`

/** With the server that has the database now, or the partition it took. */
const FENCED = /"message":"[^"]+".*another server owns the log; this one stops/
