/** What the tests read of a page: its code blocks with their marks, its tables, its links and its headings. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY } from '../support/processes.js'

/** Pages that a person wrote, relative to the root. */
export const pages = (): readonly string[] => [
  ...readdirSync(REPOSITORY).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(REPOSITORY, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

export const pageText = (path: string): string => readFileSync(join(REPOSITORY, path), 'utf8')

/** What is done with a block, as the comment before it says: `<!-- docs: verb argument -->`. */
export interface Block {
  readonly line: number
  readonly language: string
  readonly text: string
  /** Undefined when no comment stands before the block. */
  readonly verb: string | undefined
  readonly argument: string
}

const MARK = /^<!-- docs: (\S+)(?: (.*?))? -->$/

export const blocksOf = (text: string): readonly Block[] => {
  const lines = text.split('\n')
  const blocks: Block[] = []
  for (let at = 0; at < lines.length; at++) {
    const open = /^```(\S*)$/.exec(lines[at] ?? '')
    if (open === null) continue
    const end = lines.indexOf('```', at + 1)
    if (end === -1) throw new Error(`the block of line ${at + 1} is not closed`)
    const mark = MARK.exec(lines[at - 1] ?? '')
    const content = lines.slice(at + 1, end).join('\n')
    blocks.push({ line: at + 1, language: open[1] ?? '', text: `${content}\n`, verb: mark?.[1], argument: mark?.[2] ?? '' })
    at = end
  }
  return blocks
}

/** The cells of every row of every table, without the rows of dashes; `\|` is a bar in a cell. */
export const rowsOf = (text: string): readonly (readonly string[])[] =>
  text
    .split('\n')
    .filter((line) => /^\|.*\|$/.test(line) && !/^\|( *-+ *\|)+$/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.replaceAll('\\|', '|').trim()),
    )

/** A cell without its code marks. */
export const plain = (cell: string | undefined): string => (cell ?? '').replace(/^`(.*)`$/, '$1')

/** The part of a page under a heading, up to the next of the same level or above. */
export const sectionOf = (text: string, heading: string): string => {
  const lines = text.split('\n')
  const start = lines.findIndex((line) => new RegExp(`^#+ ${heading}$`).test(line))
  if (start === -1) throw new Error(`there is no heading "${heading}"`)
  const level = /^#+/.exec(lines[start] ?? '')?.[0].length ?? 1
  const rest = lines.slice(start + 1)
  const end = rest.findIndex((line) => (/^(#+) /.exec(line)?.[1]?.length ?? Number.POSITIVE_INFINITY) <= level)
  return rest.slice(0, end === -1 ? undefined : end).join('\n')
}

const withoutBlocks = (text: string): string => text.replace(/^```[\s\S]*?^```$/gm, '')

export const linksOf = (text: string): readonly string[] =>
  [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target]) => target ?? [])

/** The anchors of a page, as renderers of Markdown make them of its headings. */
export const anchorsOf = (text: string): ReadonlySet<string> =>
  new Set(
    [...withoutBlocks(text).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      (heading ?? '')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
