/** A schedule as people are shown it. */
import { z } from 'zod'
import { writeTable } from './table.js'
import { type Terminal } from './terminal.js'

export const scheduleAnswer = z.looseObject({
  namespace: z.string(),
  name: z.string(),
  paused: z.boolean(),
  note: z.string().nullish(),
  spec: z.looseObject({
    cron: z.array(z.string()),
    intervals: z.array(z.looseObject({ every_ms: z.number(), phase_ms: z.number() })),
    calendars: z.array(z.record(z.string(), z.array(z.number()))),
    time_zone: z.string(),
    jitter_ms: z.number(),
  }),
  task: z.looseObject({ name: z.string(), version: z.string().nullish() }),
  overlap: z.string(),
  next: z.array(z.looseObject({ nominal_at: z.string(), due_at: z.string() })),
  running: z.array(z.looseObject({ firing: z.string(), task_id: z.string().nullish() })),
  waiting: z.array(z.looseObject({ nominal_at: z.string() })),
  last_firings: z.array(
    z.looseObject({
      firing: z.string(),
      by: z.string(),
      fired_at: z.string(),
      task_id: z.string().nullish(),
      outcome: z.string().nullish(),
      refused: z.looseObject({ reason: z.string(), message: z.string() }).nullish(),
    }),
  ),
  last_skips: z.array(z.looseObject({ nominal_at: z.string(), reason: z.string() })),
  fired: z.number(),
  skipped: z.number(),
  missed: z.number(),
})
export type ScheduleAnswer = z.output<typeof scheduleAnswer>

export const scheduleList = z.looseObject({ schedules: z.array(scheduleAnswer) })

/** When it fires, in one line. */
const timesLine = ({ spec }: ScheduleAnswer): string =>
  [
    ...spec.cron,
    ...spec.intervals.map(({ every_ms: every }) => `every ${every / 1_000} s`),
    ...spec.calendars.map((calendar) => JSON.stringify(calendar)),
  ].join(' | ')

export const writeSchedules = (terminal: Terminal, schedules: readonly ScheduleAnswer[]): void =>
  writeTable(
    terminal,
    ['NAMESPACE', 'NAME', 'STATE', 'WHEN', 'TIME ZONE', 'TASK', 'NEXT'],
    schedules.map((one) => [
      one.namespace,
      one.name,
      one.paused ? 'paused' : 'active',
      timesLine(one),
      one.spec.time_zone,
      one.task.name,
      one.paused ? '' : (one.next[0]?.due_at ?? 'never'),
    ]),
    'there is no schedule',
  )

/** Its next and last firings, and why others were left out. */
export const writeSchedule = (terminal: Terminal, schedule: ScheduleAnswer): void => {
  const { out, colours } = terminal
  const { task, running, waiting } = schedule
  const note = schedule.note ? `: ${schedule.note}` : ''
  out(`${colours.bold(`${schedule.namespace}/${schedule.name}`)}  ${schedule.paused ? `paused${note}` : 'active'}`)
  out(`fires ${timesLine(schedule)} (${schedule.spec.time_zone}), overlap ${schedule.overlap}`)
  out(`starts ${task.name}${task.version ? `@${task.version}` : ''}`)
  out(`${schedule.fired} fired, ${schedule.skipped} skipped, ${schedule.missed} missed`)
  for (const { firing, task_id: id } of running) out(`runs: ${firing}  ${id ?? 'its task is on its way'}`)
  if (waiting.length > 0) out(`waiting: ${waiting.map(({ nominal_at: at }) => at).join(', ')}`)
  out('')
  out(schedule.paused ? 'next, were it not paused:' : 'next:')
  for (const { nominal_at: at, due_at: due } of schedule.next) out(at === due ? `  ${at}` : `  ${at}, due ${due}`)
  if (schedule.last_firings.length > 0) out('last firings:')
  for (const firing of schedule.last_firings) {
    const how = firing.refused ? `refused: ${firing.refused.reason}, ${firing.refused.message}` : (firing.outcome ?? 'runs')
    out(`  ${firing.firing}  by ${firing.by} at ${firing.fired_at}  ${firing.task_id ?? ''}  ${how}`)
  }
  if (schedule.last_skips.length > 0) out('left out:')
  for (const { nominal_at: at, reason } of schedule.last_skips) out(`  ${at}  ${WHY.get(reason) ?? reason}`)
}

const WHY: ReadonlyMap<string, string> = new Map([
  ['running', 'the task of an earlier firing ran'],
  ['buffer_full', 'as many waited already as may'],
  ['replaced', 'a later firing took its place'],
  ['missed', 'nobody fired it, and it is older than the catch-up window: it and those before it'],
])
