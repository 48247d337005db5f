/** The tasks below a task, as the command line shows them. */
import type { DescendantAnswer } from './answers.js'
import { writeTable } from './table.js'
import { statusText } from './task-status.js'
import type { Terminal } from './terminal.js'

/** The tasks below a task; nothing where there are none. */
export const writeDescendants = (terminal: Terminal, children: readonly DescendantAnswer[]): void => {
  if (children.length === 0) return
  terminal.out('')
  const rows = children.map((child) => [
    child.task_id,
    child.name,
    child.key,
    statusText(child.status ?? '', terminal.colours),
    child.parent_task_id,
  ])
  writeTable(terminal, ['CHILD', 'NAME', 'KEY', 'STATUS', 'OF TASK'], rows, '')
}
