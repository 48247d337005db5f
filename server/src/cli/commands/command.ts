/** How a command is hung into the program: global flags read, context built, the exit code kept. */
import { type Command, InvalidArgumentError } from 'commander'
import { type CommandContext, commandContext, type Environment, type GlobalFlags } from '../context.js'
import { EXIT, type ExitCode } from '../exit.js'
import { type Terminal } from '../terminal.js'

/** What the process gives to the program. */
export interface Host {
  readonly environment: Environment
  readonly stdin: NodeJS.ReadableStream
  readonly terminal: (flags: { readonly color?: boolean }) => Terminal
}

/** Binds a command's work to a host; the last exit code is read when the program is done. */
export interface Binding {
  readonly host: Host
  run(command: Command, work: (context: CommandContext) => Promise<ExitCode>): Promise<void>
  exitCode(): ExitCode
}

export const binding = (host: Host): Binding => {
  let exitCode: ExitCode = EXIT.ok
  return {
    host,
    run: async (command, work) => {
      const flags = command.optsWithGlobals<GlobalFlags & { readonly color?: boolean }>()
      const context = commandContext(host.terminal(flags), host.environment, flags)
      exitCode = await work(context)
    },
    exitCode: () => exitCode,
  }
}

/** Parses a whole number for a flag. */
export const wholeNumber = (text: string): number => {
  if (!/^-?\d{1,15}$/.test(text)) throw new InvalidArgumentError('It is not a whole number.')
  return Number(text)
}

/** Collects a flag that may be given many times. */
export const collected = (text: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), text]

/** The part of a help text that shows examples. */
export const examples = (...lines: readonly string[]): string => `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`
