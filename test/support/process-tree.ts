/** A process with everything that it has started, to be killed or stopped as one. Linux alone. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** Why no tree can be told what to do on this machine; undefined when it can. */
export const noProcessTrees = (): string | undefined =>
  existsSync('/proc/self/stat') ? undefined : 'processes are found in /proc: run it on Linux'

/** Sends a signal to a process and to all that descend from it, the oldest first, until no new ones come to be. */
export const signalTree = (pid: number, signal: NodeJS.Signals): void => {
  const told = new Set<number>()
  for (;;) {
    const rest = treeOf(pid).filter((one) => !told.has(one))
    if (rest.length === 0) return
    for (const one of rest) {
      told.add(one)
      signalOne(one, signal)
    }
  }
}

const treeOf = (root: number): readonly number[] => {
  const children = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry)
    const parent = Number.isInteger(pid) ? parentOf(pid) : undefined
    if (parent === undefined) continue
    children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  const tree = [root]
  for (const pid of tree) tree.push(...(children.get(pid) ?? []))
  return tree
}

/** The name in parentheses may hold blanks; the parent is the second field after it. */
const parentOf = (pid: number): number | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return undefined
  }
}

/** A process that is gone by itself needs no signal. */
const signalOne = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
