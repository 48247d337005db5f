/**
 * Which sources the tests reach: a source with a branch is used by a test, by itself or through its room.
 *
 * R1  A test uses what it imports: a file by its internal name, or through a package's front door the file that declares the name.
 * R2  What a used source imports from its own room is used too. Another room needs a test that comes in there: that a whole server
 *     answers says little about each of its parts.
 * R3  A test that runs the program uses its entry.
 */
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { nodesOf, type SourceText, type Tree } from './tree.js'

const PACKAGES: Readonly<Record<string, string>> = {
  '@tasker/core': 'core/src',
  '@tasker/server': 'server/src',
  '@tasker/dev-postgres': 'server/dev-postgres/src',
  '@tasker/sdk': 'sdk/typescript/src',
  '@tasker/testing': 'sdk/testing/src',
}
const TESTS = /^test\/(unit|integration|simulation|conformance|support)\//
const COUNTED = /^(core|server|server\/dev-postgres|sdk\/[a-z]+)\/src\//
const PROGRAM = { spoken: /\bbin\/tasker\.js\b|\bdist\/cli\/main\.js\b/, entry: 'server/src/cli/main.ts' }

interface Import {
  readonly from: string
  /** Empty for an import of everything, or of nothing. */
  readonly names: readonly string[]
}

const specifierOf = (node: ts.Expression | undefined): string | undefined =>
  node !== undefined && ts.isStringLiteral(node) ? node.text : undefined

const importAt = (node: ts.Node): Import | undefined => {
  if (ts.isImportDeclaration(node)) {
    const bindings = node.importClause?.namedBindings
    const names =
      bindings && ts.isNamedImports(bindings)
        ? bindings.elements.map(({ name, propertyName }) => (propertyName ?? name).text)
        : []
    return { from: specifierOf(node.moduleSpecifier) ?? '', names }
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined)
    return { from: specifierOf(node.moduleSpecifier) ?? '', names: [] }
  const dynamic = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
  return dynamic ? { from: specifierOf(node.arguments[0]) ?? '', names: [] } : undefined
}

const importsOf = (source: SourceText): readonly Import[] =>
  nodesOf(source.syntax())
    .map(importAt)
    .filter((found) => found !== undefined)

/** The file that a specifier names, seen from a file, or undefined outside the workspace. */
const fileOf = (from: string, importer: string): string | undefined => {
  if (from.startsWith('.')) return join(dirname(importer), from).replace(/\.js$/, '.ts')
  const [scope = '', name = '', ...rest] = from.split('/')
  const folder = PACKAGES[`${scope}/${name}`]
  if (folder === undefined) return undefined
  return rest.length === 0 ? `${folder}/index.ts` : `${folder}/${rest.slice(1).join('/')}.ts`
}

/** For each front door, the file behind each name. */
const behind = (door: SourceText): ReadonlyMap<string, string> =>
  new Map(
    nodesOf(door.syntax()).flatMap((node) => {
      if (!ts.isExportDeclaration(node) || !node.exportClause || !ts.isNamedExports(node.exportClause)) return []
      const file = fileOf(specifierOf(node.moduleSpecifier) ?? '', door.path)
      return file === undefined ? [] : node.exportClause.elements.map(({ name }): [string, string] => [name.text, file])
    }),
  )

const isDoor = (path: string): boolean => Object.values(PACKAGES).some((folder) => path === `${folder}/index.ts`)

const usedBy = (source: SourceText, doors: ReadonlyMap<string, ReadonlyMap<string, string>>): readonly string[] => {
  const imported = importsOf(source).flatMap(({ from, names }) => {
    const file = fileOf(from, source.path)
    if (file === undefined) return []
    const door = doors.get(file)
    return door === undefined ? [file] : names.flatMap((name) => door.get(name) ?? [])
  })
  return TESTS.test(source.path) && PROGRAM.spoken.test(source.text) ? [...imported, PROGRAM.entry] : imported
}

const branches = (source: SourceText): boolean =>
  nodesOf(source.syntax()).some(
    (node) => ts.isIfStatement(node) || ts.isConditionalExpression(node) || ts.isSwitchStatement(node),
  )

/** The package and the first folder under its `src`; files beside the folders are a room together. */
const roomOf = (path: string): string => {
  const [folder = '', inside = ''] = path.split('/src/')
  return `${folder}/${inside.includes('/') ? inside.slice(0, inside.indexOf('/')) : ''}`
}

/** Sources with a branch that no test comes near. */
export const untested = (tree: Tree): readonly string[] => {
  const byPath = new Map(tree.sources.map((source) => [source.path, source]))
  const doors = new Map(tree.sources.filter(({ path }) => isDoor(path)).map((door) => [door.path, behind(door)]))
  const waiting = tree.sources.filter(({ path }) => TESTS.test(path)).flatMap((source) => usedBy(source, doors))
  const used = new Set<string>()
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const source = byPath.get(path)
    if (source === undefined || used.has(path)) continue
    used.add(path)
    const room = roomOf(path)
    if (!isDoor(path)) waiting.push(...usedBy(source, doors).filter((file) => roomOf(file) === room))
  }
  return tree.sources
    .filter((source) => COUNTED.test(source.path) && !used.has(source.path) && branches(source))
    .map(({ path }) => `${path}: decides something, and no test comes into its room to use it`)
}
