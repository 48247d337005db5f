/** `tasker archive …`: what is kept how long, and archiving what is due now. */
import { type Command } from 'commander'
import { z } from 'zod'
import { type CommandContext } from '../context.js'
import { EXIT, type ExitCode } from '../exit.js'
import { writeTable } from '../table.js'
import { type Binding, examples } from './command.js'

/** What one request of `run` waits at the server, and how long it may take beside that. */
const RUN_WAIT_SECONDS = 20
const RUN_SLACK_MS = 15_000

const retentionAnswer = z.looseObject({
  archive: z.string(),
  namespaces: z.array(
    z.looseObject({ namespace: z.string(), age_seconds: z.number().nullable(), oldest_ended_at: z.string(), due: z.boolean() }),
  ),
  archives: z.number(),
  archived_tasks: z.number(),
  archived_bytes: z.number(),
  pending_archives: z.number(),
  running: z.boolean(),
  last_pass: z
    .looseObject({
      started_at: z.string(),
      tasks: z.number(),
      held: z.looseObject({ unsealed: z.number(), unpublished: z.number(), refused: z.number() }),
    })
    .nullable(),
  problem: z.string().nullable(),
})
type RetentionAnswer = z.output<typeof retentionAnswer>

export const addArchiveCommands = (program: Command, binding: Binding): void => {
  const archive = program.command('archive').description('tasks that are over and go to archives')
  archive
    .command('status')
    .description('what is kept how long, what is archived, and what stands in the way')
    .addHelpText('after', examples('tasker archive status', 'tasker archive status --json'))
    .action((_flags: unknown, command: Command) => binding.run(command, status))
  archive
    .command('run')
    .description('archive what is due now, and wait for the end of it; exit 1 when it ended early')
    .addHelpText('after', examples('tasker archive run'))
    .action((_flags: unknown, command: Command) => binding.run(command, run))
}

const status = async (context: CommandContext): Promise<ExitCode> => {
  write(context, await context.http.json({ method: 'GET', path: '/v1/retention' }, retentionAnswer))
  return EXIT.ok
}

const run = async (context: CommandContext): Promise<ExitCode> => {
  for (;;) {
    const answer = await context.http.json(
      {
        method: 'POST',
        path: '/v1/retention/run',
        query: { wait_seconds: RUN_WAIT_SECONDS },
        timeoutMs: RUN_WAIT_SECONDS * 1_000 + RUN_SLACK_MS,
      },
      retentionAnswer,
    )
    if (answer.running) continue
    write(context, answer)
    return answer.problem === null ? EXIT.ok : EXIT.failed
  }
}

const write = ({ terminal, json }: CommandContext, answer: RetentionAnswer): void => {
  if (json) return terminal.out(JSON.stringify(answer))
  const { archives, archived_tasks: tasks, archived_bytes: bytes, last_pass: pass, problem } = answer
  terminal.out(`${tasks} tasks in ${archives} archives (${bytes} bytes) at ${answer.archive}`)
  if (answer.pending_archives > 0) terminal.out(`${answer.pending_archives} of them are not out of the log yet`)
  if (pass !== null) {
    const { unsealed, unpublished, refused } = pass.held
    const held = unsealed + unpublished + refused
    const why = held === 0 ? '' : `, ${held} held (${unsealed} unsealed, ${unpublished} unpublished, ${refused} refused)`
    terminal.out(`last pass ${pass.started_at}: ${pass.tasks} archived${why}`)
  }
  if (problem !== null) terminal.out(terminal.colours.red(problem))
  const rows = answer.namespaces.map((one) => [
    one.namespace,
    one.age_seconds === null ? 'for ever' : ageText(one.age_seconds),
    one.oldest_ended_at,
    one.due ? terminal.colours.yellow('due') : '',
  ])
  terminal.out('')
  writeTable(terminal, ['NAMESPACE', 'KEPT', 'OLDEST END', ''], rows, 'no task is over')
}

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
] as const

const ageText = (seconds: number): string => {
  const [unit, size] = UNITS.find(([, per]) => seconds % per === 0 && seconds >= per) ?? ['s', 1]
  return `${seconds / size}${unit}`
}
