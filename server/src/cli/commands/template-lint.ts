/** `tasker template lint FILE…`: everything there is to say about template files, without a server; stricter than `validate`. */
import { type Command } from 'commander'
import { type CommandContext } from '../context.js'
import { EXIT, type ExitCode } from '../exit.js'
import { checkTemplateFile, type FileCheck, noteLines } from '../template-file.js'
import { type Binding, examples } from './command.js'

export const addLintCommand = (template: Command, binding: Binding): void => {
  template
    .command('lint <file...>')
    .description('check template files without a server and say what could be better; fails for warnings too')
    .addHelpText('after', examples('tasker template lint template.yaml', 'tasker template lint templates/*.yaml --json'))
    .action((files: readonly string[], _flags: unknown, command: Command) =>
      binding.run(command, (context) => lint(context, files)),
    )
}

const lint = async ({ json, terminal }: CommandContext, files: readonly string[]): Promise<ExitCode> => {
  const checks: FileCheck[] = []
  for (const file of files) checks.push(await checkTemplateFile(file))
  if (json) {
    const told = checks.map(({ file, errors, warnings, notes }) => ({
      file,
      clean: isClean({ errors, warnings }),
      errors,
      warnings,
      notes,
    }))
    terminal.out(JSON.stringify({ files: told }))
  } else
    for (const check of checks) {
      for (const line of [...check.lines, ...(await noteLines(check))]) terminal.out(line)
      if (isClean(check)) terminal.out(`${check.file}: ${terminal.colours.green('clean')}`)
    }
  return checks.every(isClean) ? EXIT.ok : EXIT.failed
}

/** Notes are no reproach. */
const isClean = ({ errors, warnings }: Pick<FileCheck, 'errors' | 'warnings'>): boolean =>
  errors.length === 0 && warnings.length === 0
