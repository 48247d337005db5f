/** How fast the log takes commits and gives them back, by how many events lie in it. */
import { statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { migrate } from '@tasker/server/internal/database/migrate'
import { openPostgresLog } from '@tasker/server/internal/log/postgres/postgres-log'
import type { EventLog } from '@tasker/server/internal/log/port'
import type { ByForm } from '../form.js'
import { startDatabase } from '../parts.js'
import { quantile, round } from '../statistics.js'
import type { Growth, Point } from './growth.js'
import { ALL_PARTITIONS, copies, historyOfOneTask, PARTITIONS } from './log-content.js'

const EVENTS: ByForm<readonly number[]> = {
  short: [20_000, 100_000],
  full: [100_000, 1_000_000, 5_000_000, 10_000_000, 20_000_000],
}
/** The stretch before a mark that its append rate is of. */
const STRETCH_EVENTS: ByForm<number> = { short: 10_000, full: 100_000 }
const SCANNED_EVENTS: ByForm<number> = { short: 10_000, full: 500_000 }
const STREAMS_READ: ByForm<number> = { short: 200, full: 5_000 }
/** Streams that are read later are chosen among so many. */
const KNOWN_MAX = 50_000
/** Of the disk that is free. */
const SHARE_OF_DISK = 0.5
const BYTES_PER_EVENT_MAX = 700
const TASKS_PER_BATCH = 250

const roomFor = (events: number): boolean => {
  const { bavail, bsize } = statfsSync(tmpdir())
  return events * BYTES_PER_EVENT_MAX <= bavail * bsize * SHARE_OF_DISK
}

export const logLength: Growth = {
  name: 'log-length',
  title: 'Events in the log',
  says:
    'Copies of a real task of four steps, as other tasks and with hashes of their own, are appended by the log itself on one connection, ' +
    `${TASKS_PER_BATCH} commits a statement. At each mark: the rate of the appends just before it, of reading partitions from their beginning, and of reading whole ` +
    'tasks chosen at random, one after another.',
  x: { field: 'events', label: 'events in the log', scale: 'log' },
  plots: [
    {
      name: 'events',
      title: 'Events a second',
      unit: 'events/s',
      series: [
        { field: 'appended_per_s', label: 'appended, events/s' },
        { field: 'read_per_s', label: 'read in order, events/s' },
      ],
    },
    {
      name: 'tasks',
      title: 'Reading one task',
      unit: 'ms',
      series: [
        { field: 'task_p50_ms', label: 'p50, ms' },
        { field: 'task_p99_ms', label: 'p99, ms' },
      ],
    },
  ],
  columns: [{ field: 'gib', label: 'GiB of database' }],
  play: async (form, say) => {
    const history = await historyOfOneTask()
    const database = await startDatabase()
    try {
      await migrate(database.url)
      const log = await openPostgresLog({ url: database.url, partitionCount: PARTITIONS })
      try {
        return await grown(log, history, form, async () => (await database.stored()).stored, say)
      } finally {
        await log.close()
      }
    } finally {
      await database.stop()
    }
  },
}

const grown = async (
  log: EventLog,
  history: Awaited<ReturnType<typeof historyOfOneTask>>,
  form: keyof typeof EVENTS,
  stored: () => Promise<number>,
  say: (text: string) => void,
): Promise<readonly Point[]> => {
  const points: Point[] = []
  const known: string[] = []
  const maker = copies(history)
  let events = 0
  for (const mark of EVENTS[form]) {
    if (!roomFor(mark - events)) {
      say(`${mark} events need more than ${SHARE_OF_DISK} of the free disk`)
      break
    }
    let stretchMs = 0
    let stretchEvents = 0
    while (events < mark) {
      const { ids, batches } = maker.next(TASKS_PER_BATCH)
      for (const id of ids) if (known.length < KNOWN_MAX) known.push(id)
      for (const rows of batches) {
        const count = rows.reduce((sum, { commit }) => sum + commit.types.length, 0)
        const startedAtMs = performance.now()
        const answer = await log.append(rows)
        if (answer.type !== 'appended') throw new Error(`an append was answered with ${answer.type}`)
        events += count
        if (events < mark - STRETCH_EVENTS[form]) continue
        stretchMs += performance.now() - startedAtMs
        stretchEvents += count
      }
      // Chosen anew, each with the same chance, once more are there than are known.
      if (known.length === KNOWN_MAX) for (const id of ids) known[maker.drawn(KNOWN_MAX)] = id
    }
    points.push({
      events,
      appended_per_s: round((stretchEvents / stretchMs) * 1_000, 0),
      read_per_s: await scanned(log, SCANNED_EVENTS[form]),
      ...(await readAtRandom(log, known, maker.drawn, STREAMS_READ[form])),
      gib: round((await stored()) / 1024 ** 3, 2),
    })
    say(JSON.stringify(points.at(-1)))
  }
  return points
}

const scanned = async (log: EventLog, eventsMax: number): Promise<number> => {
  let events = 0
  const startedAtMs = performance.now()
  for (const partition of ALL_PARTITIONS) {
    for await (const page of log.readPartition(partition, 0)) {
      for (const commit of page) events += commit.types.length
      if (events >= eventsMax) break
    }
    if (events >= eventsMax) break
  }
  return round((events / (performance.now() - startedAtMs)) * 1_000, 0)
}

const readAtRandom = async (log: EventLog, known: readonly string[], drawn: (below: number) => number, count: number) => {
  const samplesMs: number[] = []
  for (let n = 0; n < count; n++) {
    const id = known[drawn(known.length)] ?? ''
    const startedAtMs = performance.now()
    let commits = 0
    for await (const page of log.readStream({ kind: 'task', id }, 1)) commits += page.length
    samplesMs.push(performance.now() - startedAtMs)
    if (commits === 0) throw new Error(`task ${id} is not in the log`)
  }
  const sorted = samplesMs.toSorted((a, b) => a - b)
  return { task_p50_ms: round(quantile(sorted, 0.5), 3), task_p99_ms: round(quantile(sorted, 0.99), 3) }
}
