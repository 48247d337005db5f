/** Where the command line meets the process: its arguments, streams, environment and exit code. */
import { type Host } from './commands/command.js'
import { runCommandLine } from './program.js'
import { terminalOver, wantsColours } from './terminal.js'

/** Handles of libraries may keep an idle process alive; an ended command waits so long for them. */
const LINGER_MS = 1_000

/** Runs the command line of `process.argv` and sets the exit code. Never throws. */
export const main = async (argv: readonly string[]): Promise<void> => {
  // Whoever reads us may stop reading, as `head` does; that is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  process.exitCode = await runCommandLine(argv.slice(2), processHost())
  setTimeout(() => process.exit(), LINGER_MS).unref()
}

const processHost = (): Host => ({
  environment: process.env,
  stdin: process.stdin,
  terminal: ({ color = true }) =>
    terminalOver(process.stdout, process.stderr, color && wantsColours(process.stdout.isTTY, process.env['NO_COLOR'])),
})
