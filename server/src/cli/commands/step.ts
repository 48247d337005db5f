/** `tasker step …`: a step put right by hand, and its audit. */
import { type Command } from 'commander'
import { stepAudit, stepByHand } from '../answers.js'
import { type CommandContext } from '../context.js'
import { EXIT, type ExitCode } from '../exit.js'
import { jsonSource } from '../submission.js'
import { writeTable } from '../table.js'
import { type Binding, examples, wholeNumber } from './command.js'
import { taskPath } from './task-read.js'

export const addStepCommands = (program: Command, binding: Binding): void => {
  const step = program.command('step').description('put a step right by hand; its task goes on by itself')
  addHand(step, binding, 'reset', 'a failed step is tried again, with a new budget of attempts', ({ reason, by }) =>
    JSON.stringify({ action_type: 'reset_for_retry', reason, reset_by: by }),
  )
  addHand(step, binding, 'resolve', 'a step counts as done, without a result', ({ reason, by }) =>
    JSON.stringify({ action_type: 'resolve_manually', reason, resolved_by: by }),
  )
  addComplete(step, binding)
  addAudit(step, binding)
}

interface SaidFlags {
  readonly reason?: string
  readonly by?: string
}

const addHand = (step: Command, binding: Binding, name: string, does: string, bodyOf: (flags: SaidFlags) => string): void => {
  step
    .command(`${name} <task_id> <step_id>`)
    .description(does)
    .option('--reason <text>', 'why, for the history')
    .option('--by <name>', 'who does it')
    .addHelpText('after', examples(`tasker step ${name} 01JD… charge --reason 'gateway is back' --by ann`))
    .action((taskId: string, stepId: string, flags: SaidFlags, command: Command) =>
      binding.run(command, (context) => giveHand(context, taskId, stepId, bodyOf(flags))),
    )
}

interface CompleteFlags extends SaidFlags {
  readonly result: string
  readonly metadata?: string
}

const addComplete = (step: Command, binding: Binding): void => {
  step
    .command('complete <task_id> <step_id>')
    .description('a step is done, with the result given here')
    .option('--result <json>', 'the result: JSON, @file, or - for stdin', 'null')
    .option('--metadata <json>', 'a JSON object to keep beside it')
    .option('--reason <text>', 'why, for the history')
    .option('--by <name>', 'who does it')
    .addHelpText('after', examples(`tasker step complete 01JD… charge --result '{"receipt":"R-7"}' --reason verified --by ann`))
    .action((taskId: string, stepId: string, flags: CompleteFlags, command: Command) =>
      binding.run(command, async (context) => {
        const result = await jsonSource(flags.result, binding.host.stdin, 'result')
        const head = JSON.stringify({ action_type: 'complete_manually', reason: flags.reason, completed_by: flags.by })
        // Result and metadata are sent as they were written: a number keeps its digits.
        const metadata = flags.metadata === undefined ? '' : `,"metadata":${flags.metadata}`
        const text = `${head.slice(0, -1)},"completion_data":{"result":${result}${metadata}}}`
        return giveHand(context, taskId, stepId, text)
      }),
    )
}

const giveHand = async (
  { http, json, terminal }: CommandContext,
  taskId: string,
  stepId: string,
  text: string,
): Promise<ExitCode> => {
  const body = { type: 'application/json', text }
  const step = await http.json({ method: 'PATCH', path: stepPath(taskId, stepId), body }, stepByHand)
  terminal.out(json ? JSON.stringify(step) : `step ${step.step_id} is ${step.status}`)
  return EXIT.ok
}

const addAudit = (step: Command, binding: Binding): void => {
  step
    .command('audit <task_id> <step_id>')
    .description('every change of the state of a step: when, by whom, why')
    .option('--limit <number>', 'changes at most', wholeNumber, 50)
    .option('--cursor <version>', 'go on behind this version')
    .addHelpText('after', examples('tasker step audit 01JD… charge'))
    .action((taskId: string, stepId: string, flags: { readonly limit: number; readonly cursor?: string }, command: Command) =>
      binding.run(command, async ({ http, json, terminal }) => {
        const query = { limit: flags.limit, cursor: flags.cursor }
        const audit = await http.json({ method: 'GET', path: `${stepPath(taskId, stepId)}/audit`, query }, stepAudit)
        if (json) terminal.out(JSON.stringify(audit))
        else {
          const rows = audit.entries.map((entry) => [
            entry.recorded_at,
            entry.event,
            `${entry.from_state ?? ''} → ${entry.to_state}`,
            entry.by ?? entry.actor,
            entry.reason ?? entry.failure?.message ?? '',
          ])
          writeTable(terminal, ['AT', 'EVENT', 'STATE', 'BY', 'WHY'], rows, 'nothing happened to it yet')
          if (audit.next_cursor) terminal.err(terminal.colours.dim(`more: --cursor ${audit.next_cursor}`))
        }
        return EXIT.ok
      }),
    )
}

const stepPath = (taskId: string, stepId: string): string => `${taskPath(taskId)}/workflow_steps/${encodeURIComponent(stepId)}`
