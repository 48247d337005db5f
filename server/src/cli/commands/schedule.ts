/** `tasker schedule …`: what starts tasks by the clock. */
import { type Command, Option } from 'commander'
import { type CommandContext } from '../context.js'
import { durationFlag } from '../duration.js'
import { EXIT, type ExitCode, usageFault } from '../exit.js'
import { scheduleAnswer, scheduleList, writeSchedule, writeSchedules } from '../schedule-screen.js'
import { jsonSource } from '../submission.js'
import { templateRef } from '../template-ref.js'
import { type Binding, collected, examples, wholeNumber } from './command.js'

export const addScheduleCommands = (program: Command, binding: Binding): void => {
  const schedule = program.command('schedule').description('what starts tasks by the clock')
  addDefinition(schedule, binding, 'create')
  schedule
    .command('list')
    .description('the schedules, with their next firings')
    .addHelpText('after', examples('tasker schedule list', 'tasker schedule list --namespace shop --json'))
    .action((_flags: unknown, command: Command) => binding.run(command, list))
  schedule
    .command('get <schedule>')
    .description('the next and last firings of a schedule, and why it left some out')
    .addHelpText('after', examples('tasker schedule get shop/nightly'))
    .action((name: string, _flags: unknown, command: Command) => binding.run(command, (context) => get(context, name)))
  addDefinition(schedule, binding, 'edit')
  addOrders(schedule, binding)
  addBackfill(schedule, binding)
}

interface DefinitionFlags {
  readonly task: string
  readonly context: string
  readonly cron?: readonly string[]
  readonly every?: number
  readonly phase?: number
  readonly calendar?: readonly string[]
  readonly timeZone?: string
  readonly jitter?: number
  readonly startAt?: string
  readonly endAt?: string
  readonly overlap?: string
  readonly catchUp?: number
  readonly tag?: readonly string[]
  readonly priority?: number
  readonly paused?: string | true
}

const addDefinition = (schedule: Command, binding: Binding, type: 'create' | 'edit'): void => {
  const command = schedule
    .command(`${type} <schedule>`)
    .description(type === 'create' ? 'create a schedule' : 'give a schedule another definition, the whole of it')
    .requiredOption('--task <template>', 'the template it starts: name, or name@version')
    .option('--context <json>', 'what each task is given: JSON, @file, or - for stdin', '{}')
    .option('--cron <expression>', 'five fields, or six with the seconds first; may be repeated', collected)
    .option('--every <duration>', 'an interval, such as 30s or 2h', durationFlag)
    .option('--phase <duration>', 'by how much the interval is moved', durationFlag)
    .option('--calendar <json>', `such as '{"weekdays":[1],"hours":[9]}'; may be repeated`, collected)
    .option('--time-zone <name>', 'of the IANA database, such as Europe/Berlin; UTC when not given')
    .option('--jitter <duration>', 'each firing is moved by up to this', durationFlag)
    .option('--start-at <instant>', 'no firing before: RFC 3339')
    .option('--end-at <instant>', 'no firing after')
    .addOption(
      new Option('--overlap <policy>', 'while a task of an earlier firing runs').choices([
        'skip',
        'buffer_one',
        'buffer_all',
        'cancel_other',
        'allow',
      ]),
    )
    .option('--catch-up <duration>', 'how old firings may be that are made up for; 1d when not given', durationFlag)
    .option('--tag <tag>', 'of each task; may be repeated', collected)
    .option('--priority <number>', 'of each task', wholeNumber)
  if (type === 'create') command.option('--paused [note]', 'create it paused')
  command
    .addHelpText(
      'after',
      examples(
        `tasker schedule ${type} shop/nightly --task report --cron '0 3 * * *' --time-zone Europe/Berlin`,
        `tasker schedule ${type} shop/poll --task poll --every 30s --overlap buffer_one`,
      ),
    )
    .action((name: string, flags: DefinitionFlags, self: Command) =>
      binding.run(self, async (context) => define(context, name, flags, type, binding.host.stdin)),
    )
}

const define = async (
  context: CommandContext,
  schedule: string,
  flags: DefinitionFlags,
  type: 'create' | 'edit',
  stdin: NodeJS.ReadableStream,
): Promise<ExitCode> => {
  const ref = refOf(context, schedule)
  const given = (await jsonSource(flags.context, stdin, 'context')).trim()
  const [task = '', version] = flags.task.split('@')
  const paused = flags.paused === undefined ? {} : { paused: true, note: flags.paused === true ? undefined : flags.paused }
  const fields = {
    ...(type === 'create' ? { ...ref, ...paused } : {}),
    spec: {
      cron: flags.cron,
      intervals: flags.every === undefined ? undefined : [{ every_ms: flags.every, phase_ms: flags.phase }],
      calendars: flags.calendar?.map(calendarOf),
      time_zone: flags.timeZone,
      jitter_ms: flags.jitter,
      start_at: flags.startAt,
      end_at: flags.endAt,
    },
    task: { name: task, version, tags: flags.tag, priority: flags.priority },
    overlap: flags.overlap,
    catch_up_window_ms: flags.catchUp,
  }
  const body = { type: 'application/json', text: `${JSON.stringify(fields).slice(0, -1)},"context":${given}}` }
  const request =
    type === 'create'
      ? ({ method: 'POST', path: '/v1/schedules', body } as const)
      : ({ method: 'PUT', path: pathOf(ref), body } as const)
  const { text } = await context.http.send(request)
  if (context.json) context.terminal.out(text)
  else writeSchedule(context.terminal, scheduleAnswer.parse(JSON.parse(text)))
  return EXIT.ok
}

const calendarOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw usageFault('a --calendar is not JSON', `give one such as '{"weekdays":[1],"hours":[9]}'`)
  }
}

const list = async ({ http, json, namespace, terminal }: CommandContext): Promise<ExitCode> => {
  const { text } = await http.send({ method: 'GET', path: '/v1/schedules', query: { namespace } })
  if (json) terminal.out(text)
  else writeSchedules(terminal, scheduleList.parse(JSON.parse(text)).schedules)
  return EXIT.ok
}

const get = async (context: CommandContext, schedule: string): Promise<ExitCode> => {
  const { text } = await context.http.send({ method: 'GET', path: pathOf(refOf(context, schedule)) })
  if (context.json) context.terminal.out(text)
  else writeSchedule(context.terminal, scheduleAnswer.parse(JSON.parse(text)))
  return EXIT.ok
}

const ORDERS = [
  { name: 'pause', does: 'nothing fires until it is resumed', said: 'is paused', noted: true },
  { name: 'resume', does: 'it fires again; the times of the pause are not made up for', said: 'fires again', noted: true },
  { name: 'trigger', does: 'fires now, whatever runs, paused or not', said: 'is triggered', noted: false },
  { name: 'delete', does: 'it is gone; tasks that it started go on', said: 'is deleted', noted: false },
] as const

const addOrders = (schedule: Command, binding: Binding): void => {
  for (const { name, does, said, noted } of ORDERS) {
    const command = schedule.command(`${name} <schedule>`).description(does)
    if (noted) command.option('--note <text>', 'why, for those who look at it')
    command
      .addHelpText('after', examples(`tasker schedule ${name} shop/nightly`))
      .action((id: string, { note }: { readonly note?: string }, self: Command) =>
        binding.run(self, async (context) => {
          const path = pathOf(refOf(context, id))
          const body = { type: 'application/json', text: JSON.stringify(noted ? { note } : {}) }
          const answer = await context.http.send(
            name === 'delete' ? { method: 'DELETE', path } : { method: 'POST', path: `${path}/${name}`, body },
          )
          if (!context.json || answer.text !== '') context.terminal.out(context.json ? answer.text : `schedule ${id} ${said}`)
          return EXIT.ok
        }),
      )
  }
}

const addBackfill = (schedule: Command, binding: Binding): void => {
  schedule
    .command('backfill <schedule>')
    .description('fires the times of a range of the past; a time that has its task already gets no second one')
    .requiredOption('--from <instant>', 'RFC 3339')
    .requiredOption('--until <instant>', 'RFC 3339; its time is one of them')
    .addHelpText(
      'after',
      examples('tasker schedule backfill shop/nightly --from 2026-01-01T00:00:00Z --until 2026-01-08T00:00:00Z'),
    )
    .action((id: string, { from, until }: { readonly from: string; readonly until: string }, self: Command) =>
      binding.run(self, async (context) => {
        const body = { type: 'application/json', text: JSON.stringify({ from, until }) }
        const path = `${pathOf(refOf(context, id))}/backfill`
        const { text } = await context.http.send({ method: 'POST', path, body })
        if (context.json) context.terminal.out(text)
        else writeSchedule(context.terminal, scheduleAnswer.parse(JSON.parse(text)))
        return EXIT.ok
      }),
    )
}

interface ScheduleRef {
  readonly namespace: string
  readonly name: string
}

const refOf = ({ namespace }: CommandContext, text: string): ScheduleRef => {
  const { namespace: inside, name } = templateRef(text, namespace)
  return { namespace: inside, name }
}

const pathOf = ({ namespace, name }: ScheduleRef): string =>
  `/v1/schedules/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`
