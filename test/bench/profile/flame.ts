/** A profile as small as a picture needs it: shares of the whole, without what is too narrow to see. */
import type { Folded } from './cpu-profile.js'

/** A function on the stack, before those that it called. */
export interface Bar {
  readonly depth: number
  /** Of the whole, in thousandths of a percent. */
  readonly share: number
  readonly name: string
}

export const WHOLE = 100_000
const SHARE_MIN = 300
const DEPTH_MAX = 45

/** Each function comes before those that it called, the widest of these first. */
export const flameOf = (folded: Folded): readonly Bar[] => {
  const bars: Bar[] = []
  const shareOf = (us: number): number => Math.round((us / folded.us) * WHOLE)
  const walk = ({ frame, us, children }: Folded, depth: number): void => {
    bars.push({ depth, share: shareOf(us), name: frame.file === '' ? frame.name : `${frame.name} ${frame.file}` })
    if (depth === DEPTH_MAX) return
    for (const child of children) if (shareOf(child.us) >= SHARE_MIN) walk(child, depth + 1)
  }
  walk(folded, 0)
  return bars
}

/** One bar a line: depth, share, name. */
export const barText = ({ depth, share, name }: Bar): string => `${depth} ${share} ${name}`

export const parseBar = (text: string): Bar => {
  const [, depth = '', share = '', name = ''] = /^(\d+) (\d+) (.*)$/.exec(text) ?? []
  return { depth: Number(depth), share: Number(share), name }
}
