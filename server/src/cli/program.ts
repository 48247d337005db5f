/** The program: its commands, its global flags, and one funnel from anything thrown to an exit code. */
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { z } from 'zod'
import { EXIT, type ExitCode, exitCodeOf, faultOf } from './exit.js'
import { faultJson, faultLines } from './terminal.js'
import { addAuditCommands } from './commands/audit.js'
import { binding, examples, type Host } from './commands/command.js'
import { addArchiveCommands } from './commands/archive.js'
import { addDeadLetterCommands } from './commands/dead-letter.js'
import { addDemoCommand } from './commands/demo.js'
import { addDoctorCommand } from './commands/doctor.js'
import { addFunctionCommands } from './commands/function.js'
import { addKeyCommands } from './commands/keys.js'
import { addOperationCommands } from './commands/operations.js'
import { addProjectionCommands } from './commands/projection.js'
import { addScheduleCommands } from './commands/schedule.js'
import { addServeCommands } from './commands/serve.js'
import { addStepCommands } from './commands/step.js'
import { addTaskCommands } from './commands/task.js'
import { addTemplateCommands } from './commands/template.js'

/** Runs one command line (without the names of node and script) and tells how it ended. */
export const runCommandLine = async (args: readonly string[], host: Host): Promise<ExitCode> => {
  const bound = binding(host)
  const program = newProgram(host)
  addServeCommands(program, bound)
  addDemoCommand(program, bound)
  addTaskCommands(program, bound)
  addTemplateCommands(program, bound)
  addOperationCommands(program, bound)
  addScheduleCommands(program, bound)
  addFunctionCommands(program, bound)
  addKeyCommands(program, bound)
  addDeadLetterCommands(program, bound)
  addStepCommands(program, bound)
  addArchiveCommands(program, bound)
  addAuditCommands(program, bound)
  addProjectionCommands(program, bound)
  addDoctorCommand(program, bound)
  inherit(program)
  try {
    await program.parseAsync(args, { from: 'user' })
    return bound.exitCode()
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage
    return reported(thrown, args, host)
  }
}

const newProgram = (host: Host): Command => {
  const terminal = host.terminal({})
  return new Command('tasker')
    .description('Durable execution on an event log')
    .version(programVersion())
    .option('--json', 'print JSON for programs: one document, or one a line for what goes on')
    .option('--url <url>', 'the REST address of the server (TASKER_URL, default http://127.0.0.1:8080)')
    .option('--token <token>', 'sent as a bearer token (TASKER_TOKEN)')
    .option('--namespace <name>', 'the namespace of templates and tasks (TASKER_NAMESPACE)')
    .option('--no-color', 'plain text (NO_COLOR)')
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    })
    .addHelpText(
      'after',
      `${examples(
        'tasker dev',
        'tasker template register template.yaml',
        `tasker task submit shop/order_fulfillment --context '{"order_id":"A-1"}' --wait`,
      )}\nExit codes: ${EXIT.ok} done, ${EXIT.failed} the task or check failed, ${EXIT.usage} wrong usage, ${EXIT.unreachable} no server reached.`,
    )
}

/** What the whole program does, every command of it does. */
const inherit = (command: Command): void => {
  command
    .exitOverride()
    .showHelpAfterError('(--help shows what is possible)')
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: command.parent !== null, sortSubcommands: false })
    .allowExcessArguments(false)
  for (const child of command.commands) {
    child.copyInheritedSettings(command)
    inherit(child)
  }
}

/** Sources and the build lie at the same depth below the package. */
const programVersion = (): string =>
  z.object({ version: z.string() }).parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')))
    .version

const reported = (thrown: unknown, args: readonly string[], host: Host): ExitCode => {
  const fault = faultOf(thrown)
  const terminal = host.terminal({ color: !args.includes('--no-color') })
  if (args.includes('--json')) terminal.err(faultJson(fault))
  else for (const line of faultLines(fault, terminal.colours)) terminal.err(line)
  // A stack is for a mistake of the program, never for what the world or the person did.
  if (fault.reason === 'INTERNAL_ERROR' && host.environment['TASKER_DEBUG'] && fault.cause instanceof Error) {
    terminal.err(fault.cause.stack ?? '')
  }
  return exitCodeOf(fault)
}
