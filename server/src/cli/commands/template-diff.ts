/** `tasker template diff A B`: what changes from one template to another, each a file or a registered one. */
import { stat } from 'node:fs/promises'
import { type Command } from 'commander'
import { type CommandContext } from '../context.js'
import { EXIT, type ExitCode } from '../exit.js'
import { readTemplateFile } from '../template-file.js'
import { findTemplate } from '../template-find.js'
import { type Binding, examples } from './command.js'

export const addDiffCommand = (template: Command, binding: Binding): void => {
  template
    .command('diff <before> <after>')
    .description('what changes from one template to another, each a file or namespace/name@version, whatever the formatting')
    .option('--exit-code', 'end with 1 when something differs')
    .option('--lines', 'show the lines of the texts that differ')
    .addHelpText(
      'after',
      examples(
        'tasker template diff shop/order_fulfillment@1.0.0 template.yaml',
        'tasker template diff old.yaml new.yaml --exit-code',
      ),
    )
    .action((before: string, after: string, flags: { readonly exitCode?: boolean; readonly lines?: boolean }, command: Command) =>
      binding.run(command, (context) => diff(context, before, after, flags)),
    )
}

const diff = async (
  context: CommandContext,
  before: string,
  after: string,
  flags: { readonly exitCode?: boolean; readonly lines?: boolean },
): Promise<ExitCode> => {
  const { json, terminal } = context
  const { changeLines, compareTemplates } = await import('../../templates/compare.js')
  const comparison = compareTemplates(await contentOf(context, before), await contentOf(context, after))
  if (json) terminal.out(JSON.stringify(comparison))
  else if (comparison.same) terminal.out('nothing differs')
  else if (flags.lines === true && comparison.lines !== '') terminal.out(comparison.lines)
  else {
    for (const line of changeLines(comparison.changes)) terminal.out(line)
    if (comparison.truncated) terminal.out('… there are more')
  }
  return comparison.same || flags.exitCode !== true ? EXIT.ok : EXIT.failed
}

/** A file where there is one of this name, otherwise what the server has. */
const contentOf = async ({ http, namespace }: CommandContext, what: string): Promise<string> => {
  if (await isFile(what)) return readTemplateFile(what)
  return (await findTemplate(http, what, namespace)).template.content ?? ''
}

const isFile = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
