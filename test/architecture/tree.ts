/** A tree of sources as the rules see it: paths relative to its root, texts, and syntax trees made on demand. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'

export interface SourceText {
  readonly path: string
  readonly text: string
  /** The syntax tree, made at the first call. */
  readonly syntax: () => ts.SourceFile
}

export interface Tree {
  readonly root: string
  /** Every file that is written by hand, sorted. */
  readonly paths: readonly string[]
  /** Those of them in TypeScript and JavaScript. */
  readonly sources: readonly SourceText[]
  /** The text of a file, or undefined when there is none. */
  readonly read: (path: string) => string | undefined
}

/** Folders whose content no person writes. */
const UNWRITTEN = new Set(['node_modules', 'dist', 'coverage', '.git', '.tasker'])
const GENERATED = 'proto/src/gen'

const walk = (root: string, folder: string): readonly string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return UNWRITTEN.has(entry.name) || path === GENERATED ? [] : walk(root, path)
    return entry.isFile() ? [path] : []
  })

const sourceText = (root: string, path: string): SourceText => {
  const text = readFileSync(join(root, path), 'utf8')
  let syntax: ts.SourceFile | undefined
  return { path, text, syntax: () => (syntax ??= ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)) }
}

export const readTree = (root: string): Tree => {
  const paths = [...walk(root, '')].sort()
  return {
    root,
    paths,
    sources: paths.filter((path) => /\.(ts|js|cjs)$/.test(path)).map((path) => sourceText(root, path)),
    read: (path) => (paths.includes(path) ? readFileSync(join(root, path), 'utf8') : undefined),
  }
}

/** The checkout these tests are part of. */
export const projectRoot = dirname(dirname(import.meta.dirname))

/** Every node below one, depth first. */
export const nodesOf = (node: ts.Node): readonly ts.Node[] => {
  const found: ts.Node[] = []
  const visit = (child: ts.Node): void => {
    found.push(child)
    ts.forEachChild(child, visit)
  }
  visit(node)
  return found
}

/** Where a node is, for a message: `path:line`. */
export const placeOf = (source: SourceText, position: number): string =>
  `${source.path}:${source.syntax().getLineAndCharacterOfPosition(position).line + 1}`

export type Planting = Readonly<Record<string, string>>

/** Writes files into a folder of its own, gives the folder to the action and removes it. */
export const inPlantedTree = async <T>(files: Planting, action: (root: string) => T | Promise<T>): Promise<T> => {
  const root = mkdtempSync(join(tmpdir(), 'tasker-planted-'))
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(root, dirname(path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    return await action(root)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** What a rule finds in a planted tree. */
export const foundIn = (files: Planting, rule: (tree: Tree) => readonly string[]): Promise<readonly string[]> =>
  inPlantedTree(files, (root) => rule(readTree(root)))

/** A path relative to the root, from an absolute one. */
export const fromRoot = (root: string, path: string): string => relative(root, path)
