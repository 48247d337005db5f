/** A profile as small as a picture needs it: shares of the whole, without what is too narrow to see. */
import type { Folded } from './cpu-profile.js'

/** Name, share of the whole in thousandths of a percent, and what it called. */
export type Flame = readonly [name: string, share: number, children: readonly Flame[]]

/** In thousandths of a percent, which are 1,200 pixels for all. */
const WHOLE = 100_000
const SHARE_MIN = 300
const DEPTH_MAX = 45

export const flameOf = (folded: Folded): Flame => flameIn(folded, folded.us, 0)

const flameIn = ({ frame, us, children }: Folded, allUs: number, depth: number): Flame => {
  const share = Math.round((us / allUs) * WHOLE)
  const wide = depth < DEPTH_MAX ? children.filter((child) => (child.us / allUs) * WHOLE >= SHARE_MIN) : []
  return [
    frame.file === '' ? frame.name : `${frame.name} ${frame.file}`,
    share,
    wide.map((child) => flameIn(child, allUs, depth + 1)),
  ]
}
