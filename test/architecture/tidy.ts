/** The tidy rules: names, comments, leftovers, where SQL may be, how migrations are numbered. Each gives what it found as `place: what`. */
import ts from 'typescript'
import { nodesOf, placeOf, type SourceText, type Tree } from './tree.js'

export type Rule = (tree: Tree) => readonly string[]

const BANNED = ['util', 'utils', 'helper', 'helpers', 'common', 'lib', 'misc', 'manager', 'impl']
/** The name is on the wire. */
const BANNED_BUT_KEPT = new Set(['proto/tasker/v1/common.proto'])

const wordsOf = (name: string): readonly string[] =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)

const bannedIn = (name: string): string | undefined => wordsOf(name).find((word) => BANNED.includes(word))

const declaredName = (node: ts.Node): ts.Identifier | undefined => {
  if (ts.isVariableDeclaration(node)) return ts.isIdentifier(node.name) ? node.name : undefined
  const named =
    ts.isClassDeclaration(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node)
  return named ? node.name : undefined
}

/** A drawer everything is thrown into has one of these names. */
export const bannedNames: Rule = (tree) => [
  ...tree.paths.flatMap((path) => {
    const word = BANNED_BUT_KEPT.has(path)
      ? undefined
      : path
          .split('/')
          .map(bannedIn)
          .find((found) => found !== undefined)
    return word === undefined ? [] : [`${path}: "${word}" in a name says nothing`]
  }),
  ...tree.sources.flatMap((source) =>
    nodesOf(source.syntax()).flatMap((node) => {
      const name = declaredName(node)
      const word = name === undefined ? undefined : bannedIn(name.text)
      return word === undefined ? [] : [`${placeOf(source, node.getStart())}: "${word}" in a name says nothing`]
    }),
  ),
]

interface Comment {
  readonly text: string
  readonly position: number
}

const commentsOf = (source: SourceText): readonly Comment[] => {
  // Ranges come from the tree, so that a `//` inside a string or a regular expression is no comment.
  const ranges = new Map<number, ts.CommentRange>()
  for (const node of nodesOf(source.syntax())) {
    for (const range of ts.getLeadingCommentRanges(source.text, node.getFullStart()) ?? []) ranges.set(range.pos, range)
    for (const range of ts.getTrailingCommentRanges(source.text, node.getEnd()) ?? []) ranges.set(range.pos, range)
  }
  return [...ranges.values()].map(({ pos, end }) => ({ text: source.text.slice(pos, end), position: pos }))
}

const isTest = (path: string): boolean => path.endsWith('.test.ts')

/** The words of a comment without its marks. */
const plain = (comment: string): string => comment.replace(/^\/\*\*?|\*\/$|^\s*\*(?=\s|$)|^\/\/+/gm, '').trim()

/** Every source says its one subject first; a test says it in the names of its cases. */
export const firstComment: Rule = (tree) =>
  tree.sources
    .filter(({ path }) => !isTest(path))
    .flatMap((source) => {
      const start = source.text.startsWith('#!') ? source.text.indexOf('\n') + 1 : 0
      const [first] = ts.getLeadingCommentRanges(source.text, 0) ?? []
      if (first?.pos !== start) return [`${source.path}: starts without a comment that says its subject`]
      return /^[A-Z`'"][\s\S]*[.:?!)`]/.test(plain(source.text.slice(first.pos, first.end)))
        ? []
        : [`${source.path}: its first comment is no sentence`]
    })

/** What is not done is not in the sources. */
export const noLeftovers: Rule = (tree) =>
  tree.sources.flatMap((source) =>
    commentsOf(source)
      .filter(({ text }) => /\b(TODO|FIXME|XXX|HACK)\b/.test(text))
      .map(({ position }) => `${placeOf(source, position)}: do it, or say it where work is planned`),
  )

const CODE_LINES = [
  /^(import|export)\s+[\w*{].*\bfrom\s+['"]/,
  /^(const|let|var)\s+[\w{[][^=]*=\s*\S/,
  /^(return|throw|await)\b.*[;({)]$/,
  /^(if|for|while|switch)\s*\(.*\)\s*\{?$/,
  /^(\}|\}\s*else\b.*)\s*[;,)]?$/,
  /^[\w.]+\(.*\);?$/,
  /^[\w.]+\s*=\s*[^=>].*[;)\]}]$/,
]

const isCode = (line: string): boolean => CODE_LINES.some((pattern) => pattern.test(line))

/** A doc comment may show how a thing is used, between fences or after `@example`. */
const withoutExamples = (text: string): string => text.replace(/```[\s\S]*?```/g, '').replace(/@example[\s\S]*$/, '')

export const noDisabledCode: Rule = (tree) =>
  tree.sources.flatMap((source) =>
    commentsOf(source)
      .filter(({ text }) =>
        withoutExamples(plain(text))
          .split('\n')
          .some((line) => isCode(line.trim())),
      )
      .map(({ position }) => `${placeOf(source, position)}: code that does not run is kept by the history, not by a comment`),
  )

const SUITES = new Set(['test', 'it', 'describe', 'suite', 'bench'])

const rootName = (node: ts.Expression): string | undefined => {
  if (ts.isIdentifier(node)) return node.text
  return ts.isPropertyAccessExpression(node) || ts.isCallExpression(node) ? rootName(node.expression) : undefined
}

/** A test that is left out says on what condition: `skipIf`, or `context.skip(why)` when it runs. */
export const everyTestRuns: Rule = (tree) =>
  tree.sources
    .filter(({ path }) => isTest(path))
    .flatMap((source) =>
      nodesOf(source.syntax())
        .filter((node) => ts.isPropertyAccessExpression(node))
        .filter(
          ({ name, expression }) =>
            ['only', 'skip', 'todo', 'fails'].includes(name.text) && SUITES.has(rootName(expression) ?? ''),
        )
        .map((node) => `${placeOf(source, node.getStart())}: .${node.name.text} hides tests`),
    )

/** Rooms that speak SQL. Tests may look into a database. */
const SQL_ROOMS =
  /^(server\/src\/(database[-./]|log\/postgres\/|archive\/postgres\/|projections\/|publishers\/|query\/)|server\/dev-postgres\/|test\/)/
const SQL =
  /^\s*(select\s[\s\S]+\sfrom\s|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|create\s+(unlogged\s+)?(table|index|view|schema|database)\s|alter\s+table\s|drop\s+\w+\s|truncate\s|with\s+\w+\s+as\s*\(|copy\s+\w+\s)/i

export const sqlInItsRooms: Rule = (tree) =>
  tree.sources
    .filter(({ path }) => !SQL_ROOMS.test(path))
    .flatMap((source) =>
      nodesOf(source.syntax())
        .filter((node) => ts.isStringLiteralLike(node) || ts.isTemplateHead(node))
        .filter((node) => SQL.test(node.text))
        .map((node) => `${placeOf(source, node.getStart())}: SQL outside the rooms that speak it`),
    )

/** `NNNN_name.sql`, from 0001, without a gap, each with a first comment. */
export const migrationsNumbered: Rule = (tree) => {
  const migrations = tree.paths.filter((path) => path.startsWith('migrations/'))
  return migrations.flatMap((path, index) => {
    const number = String(index + 1).padStart(4, '0')
    if (!new RegExp(`^migrations/${number}_[a-z0-9_]+\\.sql$`).test(path)) return [`${path}: migration ${number} should be here`]
    return tree.read(path)?.startsWith('-- ') ? [] : [`${path}: starts without a comment that says its subject`]
  })
}

export const tidyRules: Readonly<Record<string, Rule>> = {
  bannedNames,
  firstComment,
  noLeftovers,
  noDisabledCode,
  everyTestRuns,
  sqlInItsRooms,
  migrationsNumbered,
}
