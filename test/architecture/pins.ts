/** The pins between sources and documents: what a program can say has a page, what a document names exists. */
import ts from 'typescript'
import { nodesOf, type SourceText, type Tree } from './tree.js'

const CODE = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/
const PRODUCT = /^(core|server|server\/dev-postgres|sdk\/[a-z]+)\/src\//

const productOf = (tree: Tree): readonly SourceText[] => tree.sources.filter(({ path }) => PRODUCT.test(path))

const literalsIn = (node: ts.Node): readonly string[] =>
  nodesOf(node).flatMap((child) => (ts.isStringLiteralLike(child) && CODE.test(child.text) ? [child.text] : []))

/** The value of an expression, whichever branch is taken: `x`, `a ? x : y`, `x as const`. */
const valuesOf = (node: ts.Expression): readonly string[] => {
  if (ts.isStringLiteralLike(node)) return CODE.test(node.text) ? [node.text] : []
  if (ts.isConditionalExpression(node)) return [...valuesOf(node.whenTrue), ...valuesOf(node.whenFalse)]
  if (ts.isAsExpression(node) || ts.isParenthesizedExpression(node) || ts.isSatisfiesExpression(node))
    return valuesOf(node.expression)
  return []
}

const isNamed = (name: ts.Node | undefined, text: string): boolean =>
  name !== undefined && (ts.isIdentifier(name) || ts.isStringLiteral(name)) && name.text === text

/** The functions of a source that take a reason, with its place among their parameters. */
const reasonParameters = (source: SourceText): readonly (readonly [string, number])[] =>
  nodesOf(source.syntax()).flatMap((node) => {
    if (!ts.isArrowFunction(node) && !ts.isFunctionDeclaration(node)) return []
    const name = ts.isFunctionDeclaration(node) ? node.name : ts.isVariableDeclaration(node.parent) ? node.parent.name : undefined
    const place = node.parameters.findIndex((parameter) => isNamed(parameter.name, 'reason'))
    return place >= 0 && name !== undefined && ts.isIdentifier(name) ? [[name.text, place] as const] : []
  })

const reasonsAt = (node: ts.Node, takers: ReadonlyMap<string, number>): readonly string[] => {
  if (ts.isPropertyAssignment(node) && isNamed(node.name, 'reason')) return valuesOf(node.initializer)
  if (ts.isPropertyDeclaration(node) && isNamed(node.name, 'reason')) return node.initializer ? valuesOf(node.initializer) : []
  if (ts.isPropertySignature(node) && isNamed(node.name, 'reason') && node.type) return literalsIn(node.type)
  if (ts.isTypeAliasDeclaration(node) && node.name.text.endsWith('Reason')) return literalsIn(node.type)
  if (ts.isVariableDeclaration(node) && /^[A-Z_]*REASONS?$/.test(node.name.getText())) return literalsIn(node)
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
    const place = takers.get(node.expression.text)
    const argument = place === undefined ? undefined : node.arguments[place]
    return argument === undefined ? [] : valuesOf(argument)
  }
  return []
}

/** Every reason a refusal or a fault of the product can carry, sorted. */
export const reasonsOf = (tree: Tree): readonly string[] => {
  const sources = productOf(tree)
  const everywhere = sources.flatMap(reasonParameters)
  const found = sources.flatMap((source) => {
    // A source's own function goes before another's of the same name.
    const takers = new Map([...everywhere, ...reasonParameters(source)])
    return nodesOf(source.syntax()).flatMap((node) => reasonsAt(node, takers))
  })
  return [...new Set(found)].sort()
}

const PAGES = 'docs/errors/'

/** Each reason has a page `docs/errors/REASON.md` with its name as the title; each page is about something the product says. */
export const reasonPages = (tree: Tree): readonly string[] => {
  const reasons = reasonsOf(tree)
  const said = new Set(productOf(tree).flatMap((source) => literalsIn(source.syntax())))
  const pages = tree.paths.filter((path) => path.startsWith(PAGES) && CODE.test(path.slice(PAGES.length, -'.md'.length)))
  const names = pages.map((path) => path.slice(PAGES.length, -'.md'.length))
  return [
    ...reasons.filter((reason) => !names.includes(reason)).map((reason) => `${reason}: has no page ${PAGES}${reason}.md`),
    ...names.filter((name) => !said.has(name)).map((name) => `${PAGES}${name}.md: nothing says ${name}`),
    ...names
      .filter((name) => tree.read(`${PAGES}${name}.md`)?.split('\n')[0] !== `# ${name}`)
      .map((name) => `${PAGES}${name}.md: its title is not "# ${name}"`),
  ]
}

const METRIC = /^tasker(_[a-z0-9]+)+_?$/
const METRICS_PAGE = 'docs/metrics.md'

/** Each metric is listed, each listed name is registered. A literal that ends in `_` is a prefix of names a library registers. */
export const metricNames = (tree: Tree): readonly string[] => {
  const literals = tree.sources
    .filter(({ path }) => path.startsWith('server/src/telemetry'))
    .flatMap((source) => nodesOf(source.syntax()).flatMap((node) => (ts.isStringLiteralLike(node) ? [node.text] : [])))
    .filter((text) => METRIC.test(text))
  const registered = new Set(literals.filter((text) => !text.endsWith('_')))
  const prefixes = literals.filter((text) => text.endsWith('_'))
  const listed = new Set([...(tree.read(METRICS_PAGE) ?? '').matchAll(/`(tasker_[a-z0-9_]+)/g)].flatMap(([, name]) => name ?? []))
  return [
    ...[...registered].filter((name) => !listed.has(name)).map((name) => `${name}: is not listed in ${METRICS_PAGE}`),
    ...[...listed]
      .filter((name) => !registered.has(name) && !prefixes.some((prefix) => name.startsWith(prefix)))
      .map((name) => `${METRICS_PAGE}: nothing registers ${name}`),
  ]
}

/** The words of the project. Each has one meaning, in `GLOSSARY.md`. */
const WORDS: readonly string[] = [
  ...[
    'namespace',
    'template',
    'task',
    'step',
    'dependency',
    'attempt',
    'lease',
    'worker',
    'handler',
    'durable function',
    'effect',
  ],
  ...[
    'signal',
    'command',
    'event',
    'decide',
    'evolve',
    'fold',
    'refusal',
    'fault',
    'failure',
    'bug',
    'commit',
    'partition',
    'version',
  ],
  ...['position', 'projection', 'checkpoint', 'cursor', 'seal', 'ownership', 'delivery', 'ready queue', 'timer', 'schedule'],
  ...['dead letter', 'resolve'],
]

export const glossaryWords = (tree: Tree): readonly string[] => {
  const bold = [...(tree.read('GLOSSARY.md') ?? '').matchAll(/\*\*([^*]+)\*\*/g)].flatMap(([, words]) =>
    (words ?? '').split(/\s*[/,]\s*/),
  )
  const explained = new Set(bold.map((word) => word.trim().toLowerCase()))
  return WORDS.filter((word) => !explained.has(word)).map((word) => `GLOSSARY.md: does not explain **${word}**`)
}

/** Unions whose members people and programs meet, with the file they are in. */
const SHOWN: readonly { readonly path: string; readonly alias: RegExp }[] = [
  { path: 'core/src/task/events.ts', alias: /^type$/ },
  { path: 'core/src/task/status.ts', alias: /^TaskStatus$/ },
]

const membersIn = (source: SourceText, alias: RegExp): readonly string[] =>
  nodesOf(source.syntax()).flatMap((node) => {
    const named =
      (ts.isPropertySignature(node) || ts.isTypeAliasDeclaration(node)) &&
      ts.isIdentifier(node.name) &&
      alias.test(node.name.text)
    if (!named || node.type === undefined) return []
    return nodesOf(node.type).flatMap((child) => (ts.isStringLiteral(child) ? [child.text] : []))
  })

/** What is shown to people is named in the contract. */
export const contractNames = (tree: Tree): readonly string[] => {
  const contract = tree.read('docs/contract.md') ?? ''
  return SHOWN.flatMap(({ path, alias }) => {
    const source = tree.sources.find((candidate) => candidate.path === path)
    const members = source === undefined ? [] : membersIn(source, alias)
    if (members.length === 0) return [`${path}: no names found to compare with docs/contract.md`]
    return members
      .filter((name) => !contract.includes(`\`${name}\``))
      .map((name) => `docs/contract.md: does not name \`${name}\``)
  })
}
