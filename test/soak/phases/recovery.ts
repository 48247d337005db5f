/** How long a server that was killed takes to be ready again, and to hand out work, by the number of tasks that are open. */
import { monotonicFactory } from 'ulid'
import { end, rest } from '../../support/live-server.js'
import { query } from '../../support/query.js'
import { until } from '../../support/until.js'
import { Ground } from '../ground.js'
import { type Acknowledged, workNamed } from '../mixed-work.js'
import type { Figures, Phase, PhaseForm, PhaseRun } from '../phase.js'
import { BrokenPromise, judge } from '../verdict.js'

const ANSWER_MS_MAX = 180_000
const OPEN_TASKS: Readonly<Record<PhaseForm, readonly number[]>> = { short: [1_000], long: [1_000, 10_000, 100_000] }
const KILLS: Readonly<Record<PhaseForm, number>> = { short: 1, long: 3 }
/** Few, so that the tasks stay open; what they do is short, so that there is always a slot for the next step. */
const SLOTS = 4
const HOLD_MS = 20
/** Submissions that the client has on their way at once. */
const STRETCH = 1_000

export const recovery: Phase = {
  name: 'recovery',
  promise: 'a server that was killed is ready, and hands out steps, in a time that does not depend on how many tasks are open',
  play: async ({ form, say }: PhaseRun): Promise<Figures> => {
    const rows: (string | number)[][] = []
    let postgresVersion = ''
    for (const count of OPEN_TASKS[form]) {
      const ground = await Ground.open({
        ...{ workers: 1, slots: SLOTS, graceMs: 10_000, silenceMs: 30_000 },
        server: { TASKER_LOG_LEVEL: 'info' },
      })
      try {
        postgresVersion = await ground.postgresVersion()
        const acknowledged = await submitted(ground, count)
        for (let kill = 1; kill <= KILLS[form]; kill++) {
          const row = await killedOnce(ground)
          say(`${row.openTasks} tasks open: ${JSON.stringify(row)}`)
          rows.push([
            row.openTasks,
            row.behind,
            `${row.recoveryMs} ms`,
            `${row.readyMs} ms`,
            `${row.connectedMs} ms`,
            `${row.begunMs} ms`,
          ])
        }
        await judge(ground, { acknowledged, problems: [] }, 'after_fault')
        await ground.close()
      } catch (error) {
        say(`the server's last words:\n${ground.lastWords}`)
        say(`the data is kept in ${await ground.abandon()}`)
        throw error
      }
    }
    return {
      postgresVersion,
      columns: [
        'tasks open',
        'commits behind the read models',
        'recovery',
        'ready again after',
        'worker connected after',
        'first step begun after',
      ],
      rows,
      notes: [
        'Recovery is what the new server does between its hold on the database and its readiness; the other times count from the kill, the start of the process included.',
      ],
    }
  },
}

/** Ids of that many tasks, each acknowledged. */
const submitted = async ({ client }: Ground, count: number): Promise<readonly string[]> => {
  const kind = workNamed('line')
  const makeId = monotonicFactory()
  const ids: string[] = []
  for (let from = 0; from < count; from += STRETCH) {
    const stretch = Array.from(
      { length: Math.min(STRETCH, count - from) },
      (_, n): Promise<Acknowledged> => kind.submit(client, { n: from + n, holdMs: HOLD_MS }, makeId()),
    )
    for (const { taskId } of await Promise.all(stretch)) ids.push(taskId)
  }
  return ids
}

const killedOnce = async (ground: Ground) => {
  const [worker] = ground.workers
  if (worker === undefined) throw new Error('no worker was started')
  const mark = worker.output().length
  const killedAt = Date.now()
  await end(ground.server, 'SIGKILL')
  const server = await ground.startServer()
  const readyMs = Date.now() - killedAt
  const { status } = await rest(ground.address, '/health/ready')
  if (status !== 200) throw new BrokenPromise([`a server that says it is ready answers ${status} when it is asked`])
  const toldAt = (word: string): Promise<number> =>
    until(`the worker says ${word}`, ANSWER_MS_MAX, () => {
      const found = new RegExp(`^${word} .*?(\\d+)$`, 'm').exec(worker.output().slice(mark))
      return Promise.resolve(found === null ? undefined : Number(found[1]))
    })
  const begunAt = await toldAt('began')
  const connectedAt = await toldAt('connected')
  const [counts] = await query(ground.databaseUrl, OPEN_AT, [killedAt])
  return {
    openTasks: Number(counts?.['open']),
    behind: Number(/"commitsCaughtUp":(\d+)/.exec(server.output())?.[1]),
    recoveryMs: Number(/"recoveryMs":(\d+)/.exec(server.output())?.[1]),
    readyMs,
    connectedMs: connectedAt - killedAt,
    begunMs: begunAt - killedAt,
  }
}

const OPEN_AT = `select count(*) filter (where 'task.submitted' = any(types)) - count(*) filter (where 'task.completed' = any(types)) as open
from event_commit where stream_kind = 'task' and at_ms < $1`
