/** A flame graph: the functions on the stack, each as wide as the time that it and what it called took. */
import { type Bar, WHOLE } from '../profile/flame.js'
import { at, escaped, picture } from './svg.js'

const WIDTH = 1_200
const ROW = 17
const MARGIN = 10
const HEAD = 34
const CHARACTER_WIDTH = 6.6
const LABEL_CHARS_MIN = 3

export const flameSvg = (title: string, bars: readonly Bar[]): string => {
  const rows = Math.max(...bars.map(({ depth }) => depth)) + 1
  /** Where the next bar of a depth begins. */
  const lefts: number[] = []
  const drawn = bars.map(({ depth, share, name }) => {
    const left = lefts[depth] ?? 0
    lefts[depth] = left + share
    lefts[depth + 1] = left
    return bar(name, share, left, HEAD + depth * ROW)
  })
  return picture({
    width: WIDTH,
    height: HEAD + rows * ROW + MARGIN,
    title,
    body: [`<text class="ink" x="${MARGIN}" y="22" font-weight="600">${escaped(title)}</text>`, ...drawn],
  })
}

const pixels = (share: number): number => (share / WHOLE) * (WIDTH - 2 * MARGIN)

const bar = (name: string, share: number, from: number, y: number): string => {
  const width = pixels(share)
  const chars = Math.floor((width - 6) / CHARACTER_WIDTH)
  const label = chars < LABEL_CHARS_MIN ? '' : name.length <= chars ? name : `${name.slice(0, chars - 1)}…`
  const x = at(MARGIN + pixels(from))
  return [
    `<g><title>${escaped(name)}: ${(share / (WHOLE / 100)).toFixed(1)} %</title>`,
    `<rect x="${x}" y="${y}" width="${at(Math.max(0.5, width - 0.5))}" height="${ROW - 1}" rx="2" fill="${colourOf(name)}"/>`,
    label === ''
      ? ''
      : `<text x="${at(MARGIN + pixels(from) + 3)}" y="${y + 12}" fill="#1f2328" style="font-size: 11px">${escaped(label)}</text>`,
    '</g>',
  ].join('')
}

/** By whose code it is; ours warm, libraries green, Node and V8 blue. All are light enough for dark letters. */
const PALETTES: readonly (readonly [RegExp, number])[] = [
  [/^\([^)]*\)$/, 260],
  [/ (server|sdk|core|proto|test)\//, 30],
  [/ node:/, 205],
  [/ \S+$/, 130],
]

const colourOf = (name: string): string => {
  const hue = PALETTES.find(([pattern]) => pattern.test(name))?.[1] ?? 260
  let mixed = 0
  for (const character of name) mixed = (mixed * 31 + (character.codePointAt(0) ?? 0)) % 997
  return `hsl(${hue + (mixed % 20) - 10} ${60 + (mixed % 15)}% ${70 + (mixed % 10)}%)`
}
