/** CPU time of processes and their children, from /proc. */
import { readdirSync, readFileSync } from 'node:fs'

/** Ticks a second of /proc/PID/stat on Linux. */
const TICKS_PER_S = 100

interface Stat {
  readonly pid: number
  readonly parent: number
  readonly ticks: number
}

/** Seconds of user and system time that a process and its living descendants have used. */
export const treeCpuSeconds = (rootPid: number): number => {
  const stats = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readStat(Number(name)))
  const ofParent = new Map<number, Stat[]>()
  for (const stat of stats) {
    const siblings = ofParent.get(stat.parent)
    if (siblings === undefined) ofParent.set(stat.parent, [stat])
    else siblings.push(stat)
  }
  const byPid = new Map(stats.map((stat) => [stat.pid, stat]))
  let ticks = 0
  const todo = [rootPid]
  for (let pid = todo.pop(); pid !== undefined; pid = todo.pop()) {
    ticks += byPid.get(pid)?.ticks ?? 0
    for (const child of ofParent.get(pid) ?? []) todo.push(child.pid)
  }
  return ticks / TICKS_PER_S
}

/** Seconds all processors of the machine were busy since it started. */
export const machineBusySeconds = (): number => {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n')
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.trim().split(/\s+/).slice(1).map(Number)
  return (user + nice + system + irq + softirq) / TICKS_PER_S
}

/** Children that ended count with their parent. */
const readStat = (pid: number): Stat[] => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    const [, parent = 0] = fields
    const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + (fields[index] ?? 0), 0)
    return [{ pid, parent, ticks }]
  } catch {
    // The process ended between the listing and the look.
    return []
  }
}
