/** A CPU profile as V8 writes it, folded into a tree of the functions that were on the stack, each with its microseconds. */
import { z } from 'zod'

const PROFILE = z.object({
  nodes: z.array(
    z.object({
      id: z.number(),
      callFrame: z.object({ functionName: z.string(), url: z.string() }),
      children: z.array(z.number()).optional(),
    }),
  ),
  /** Microseconds of the clock that `process.hrtime` reads, too. */
  startTime: z.number(),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
})

export type CpuProfile = z.infer<typeof PROFILE>

export const parseProfile = (text: string): CpuProfile => PROFILE.parse(JSON.parse(text))

export interface Frame {
  readonly name: string
  /** Empty for what V8 does itself. */
  readonly file: string
}

/** A function that was on the stack, below those that called it. */
export interface Folded {
  readonly frame: Frame
  /** Its own and of all that it called. */
  readonly us: number
  readonly selfUs: number
  readonly children: readonly Folded[]
}

export interface Window {
  readonly fromUs: number
  readonly toUs: number
}

interface Growing {
  readonly frame: Frame
  selfUs: number
  readonly children: Map<string, Growing>
}

/** What V8 calls a thread that waits. */
const IDLE = '(idle)'
const ROOT = '(root)'

/** The stacks of a window, without the time in which nothing ran. */
export const foldProfile = (profile: CpuProfile, window: Window): Folded => {
  const byId = new Map(profile.nodes.map((node) => [node.id, node]))
  const parents = new Map(profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id] as const)))
  const stackOf = (id: number): readonly Frame[] => {
    const frames: Frame[] = []
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const node = byId.get(at)
      if (node !== undefined && node.callFrame.functionName !== ROOT) frames.push(frameOf(node.callFrame))
    }
    return frames.toReversed()
  }
  const selfUs = new Map<number, number>()
  let atUs = profile.startTime
  for (const [index, id] of profile.samples.entries()) {
    atUs += profile.timeDeltas[index] ?? 0
    // A sample stands for the time until the next one.
    const us = profile.timeDeltas[index + 1] ?? 0
    if (atUs >= window.fromUs && atUs < window.toUs && us > 0) selfUs.set(id, (selfUs.get(id) ?? 0) + us)
  }
  const root: Growing = { frame: { name: 'all', file: '' }, selfUs: 0, children: new Map() }
  for (const [id, us] of selfUs) {
    if (byId.get(id)?.callFrame.functionName !== IDLE) add(root, stackOf(id), us)
  }
  return foldedOf(root)
}

const add = (root: Growing, stack: readonly Frame[], us: number): void => {
  let at = root
  for (const frame of stack) {
    const key = `${frame.name} ${frame.file}`
    const child: Growing = at.children.get(key) ?? { frame, selfUs: 0, children: new Map() }
    at.children.set(key, child)
    at = child
  }
  at.selfUs += us
}

const foldedOf = ({ frame, selfUs, children }: Growing): Folded => {
  const below = [...children.values()].map(foldedOf).toSorted((a, b) => b.us - a.us)
  return { frame, selfUs, us: below.reduce((sum, child) => sum + child.us, selfUs), children: below }
}

const frameOf = ({ functionName, url }: { readonly functionName: string; readonly url: string }): Frame => ({
  name: functionName === '' ? '(anonymous)' : functionName,
  file: shortPath(url),
})

/** `server/log/codec.js` of a built file of ours, the package of a library, `node:net` of Node. */
export const shortPath = (url: string): string => {
  const library = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1]
  if (library !== undefined && !library.startsWith('@tasker/')) return library
  const ours = /\/(core|proto|server|sdk\/typescript|test)\/(?:dist|bin)\/(.+)$/.exec(url)
  return ours === null ? url.replace(/^file:\/\/.*\//, '') : `${ours[1]}/${ours[2]}`
}
