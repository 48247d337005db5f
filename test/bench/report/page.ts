/** The page with its made sections, and the pictures beside it: everything that follows from a file of results. */
import { GROWTHS } from '../growth/all.js'
import type { Results } from '../results.js'
import { parseBar } from '../profile/flame.js'
import { flameSvg } from './flame-svg.js'
import { plotSvg } from './plot.js'
import { flameFile, plotFile, sectionsOf } from './sections.js'

export const PAGE = 'docs/performance.md'

const begin = (name: string): string => `<!-- bench: ${name} -->`
const END = '<!-- bench: end -->'

/** What stands between the marks of each section is replaced; the rest is written by people. Throws when a section has no place. */
export const pageWith = (page: string, results: Results): string => {
  let text = page
  for (const [name, section] of Object.entries(sectionsOf(results))) {
    const from = text.indexOf(begin(name))
    const to = text.indexOf(END, from)
    if (from === -1 || to === -1) throw new Error(`the page has no place for ${name}`)
    text = `${text.slice(0, from + begin(name).length)}\n\n${section}\n\n${text.slice(to)}`
  }
  return text
}

/** By the name of their file. */
export const picturesOf = ({ growth, profile }: Results): ReadonlyMap<string, string> => {
  const pictures = new Map<string, string>()
  for (const one of GROWTHS) {
    const points = growth[one.name]?.points
    if (points === undefined) continue
    for (const plot of one.plots) pictures.set(plotFile(one, plot.name), plotSvg(one, plot, points))
  }
  for (const [name, { server, worker }] of Object.entries(profile?.workloads ?? {})) {
    pictures.set(flameFile(name, 'server'), flameSvg(`${name}, the server's main thread by function`, server.map(parseBar)))
    pictures.set(flameFile(name, 'worker'), flameSvg(`${name}, the worker's main thread by function`, worker.map(parseBar)))
  }
  return pictures
}
